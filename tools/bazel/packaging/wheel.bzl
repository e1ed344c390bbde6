"""Wheels and sdists, written by wheelwright, which Bazel builds as a tool."""

load("@workspace//:facts.bzl", "VERSION")
load("//tools/bazel/platforms:table.bzl", "PLATFORMS")
load("//tools/bazel/rust:release.bzl", "for_release")
load(":linked.bzl", "LinkedInfo", "linked_crates")
load(":tools.bzl", "CARGO", "RUST_TOOLCHAIN", "WHEELWRIGHT", "cargo_inputs", "listing", "run_script", "script")

# What for_release asks of each rule that has an extension.
_FOR = {
    "interpreter": attr.string(doc = "The CPython it is for; none for the stable ABI."),
    "platform": attr.string(values = [""] + PLATFORMS.keys()),
}

def _library(files):
    """The dynamic library among what rustc made."""
    [library] = [file for file in files if file.extension in ["so", "dylib", "dll"]]
    return library

def _stem(project):
    return "{}-{}".format(project.replace("-", "_"), VERSION)

def _sbom_impl(ctx):
    row = PLATFORMS[ctx.attr.platform]
    sbom = ctx.actions.declare_file("{}/{}.cyclonedx.json".format(ctx.label.name, ctx.attr.crate))
    linked = ctx.attr.extension[0][LinkedInfo]
    facts = ctx.actions.declare_file(ctx.label.name + ".linked")
    lines = ["crate " + crate for crate in linked.crates.to_list()]
    lines += ["script {} {}".format(script.crate, script.flags.path) for script in linked.scripts.to_list()]
    ctx.actions.write(facts, "\n".join(lines) + "\n")
    cargo = cargo_inputs(ctx)
    sources = ctx.attr._workspace[DefaultInfo].files
    files = listing(ctx, "files", sources)
    run_script(
        ctx,
        arguments = [
            files.path,
            "crates/{}/Cargo.toml".format(ctx.attr.crate),
            row.rust_target,
            ctx.attr.project,
            sbom.path,
        ] + cargo.paths + [facts.path],
        inputs = cargo.inputs + [depset([files, facts] + [script.flags for script in linked.scripts.to_list()])],
        outputs = [sbom],
        mnemonic = "Sbom",
        message = "Listing what is linked into %{label}",
    )
    return [DefaultInfo(files = depset([sbom]))]

sbom = rule(
    implementation = _sbom_impl,
    doc = "The CycloneDX bill of materials of an extension on a platform.",
    attrs = {
        "crate": attr.string(mandatory = True, doc = "The extension's crate."),
        "extension": attr.label(mandatory = True, aspects = [linked_crates], cfg = for_release),
        "project": attr.string(mandatory = True, doc = "The distribution it goes into."),
    } | _FOR | WHEELWRIGHT | CARGO | script("sbom.sh"),
    toolchains = [RUST_TOOLCHAIN],
)

def _extension_module_impl(ctx):
    return [DefaultInfo(files = depset([_library(ctx.files.extension)]))]

extension_module = rule(
    implementation = _extension_module_impl,
    doc = "The extension module that goes into a wheel, alone.",
    attrs = {
        "extension": attr.label(mandatory = True, cfg = for_release),
    } | _FOR,
)

def _wheel_impl(ctx):
    options, more = [], []
    platform_tag = "any"
    if ctx.attr.extension:
        platform_tag = PLATFORMS[ctx.attr.platform].wheel_tag
        library = _library(ctx.files.extension)
        options = ["--extension", "=" + library.path, "--platform-tag", platform_tag, "--sbom", "=" + ctx.file.sbom.path]
        more = [library, ctx.file.sbom]
        if ctx.attr.interpreter:
            options += ["--interpreter", ctx.attr.interpreter]
    wheel = ctx.actions.declare_file("{}/{}-{}-{}.whl".format(
        ctx.label.name,
        _stem(ctx.attr.project),
        ctx.attr.python_abi,
        platform_tag,
    ))
    sources = ctx.files.srcs + ctx.files.manifests
    files = listing(ctx, "files", depset(sources))
    run_script(
        ctx,
        arguments = [files.path, ctx.label.package, wheel.path] + options,
        inputs = [depset(sources + more + [files])],
        outputs = [wheel],
        mnemonic = "Wheel",
        message = "Packing " + wheel.basename,
    )
    return [DefaultInfo(files = depset([wheel]))]

wheel = rule(
    implementation = _wheel_impl,
    doc = "One wheel by `wheelwright pack`. Its metadata is pyproject.toml's.",
    attrs = {
        "extension": attr.label(cfg = for_release, doc = "The extension, if the package has one."),
        "manifests": attr.label_list(
            allow_files = True,
            doc = "The Cargo.toml of the extension's crate, and of its workspace: they say for which CPythons it is.",
        ),
        "project": attr.string(mandatory = True, doc = "The distribution's name."),
        "python_abi": attr.string(default = "py3-none", doc = "The first two parts of its tag."),
        "sbom": attr.label(allow_single_file = True),
        "srcs": attr.label_list(mandatory = True, allow_files = True, doc = "The project's files."),
    } | _FOR | WHEELWRIGHT | script("pack.sh"),
)

def _sdist_impl(ctx):
    sdist = ctx.actions.declare_file("{}/{}.tar.gz".format(ctx.label.name, _stem(ctx.attr.project)))
    cargo = cargo_inputs(ctx)
    sources = depset(ctx.files.srcs, transitive = [ctx.attr._workspace[DefaultInfo].files])
    files = listing(ctx, "files", sources)
    run_script(
        ctx,
        arguments = [files.path, ctx.label.package, sdist.path] + cargo.paths,
        inputs = cargo.inputs + [sources, depset([files])],
        outputs = [sdist],
        mnemonic = "Sdist",
        message = "Packing " + sdist.basename,
    )
    return [DefaultInfo(files = depset([sdist]))]

sdist = rule(
    implementation = _sdist_impl,
    doc = "One sdist by `wheelwright sdist`.",
    attrs = {
        "project": attr.string(mandatory = True, doc = "The distribution's name."),
        "srcs": attr.label_list(mandatory = True, allow_files = True, doc = "The project's files."),
    } | WHEELWRIGHT | CARGO | script("sdist.sh"),
    toolchains = [RUST_TOOLCHAIN],
)
