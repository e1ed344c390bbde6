"""linked_crates: which crates a Rust target is made of, in its configuration.

Bazel has no cargo messages; this aspect collects what they would say: each
crate that was compiled, and the flags of each build script.
"""

load("@rules_rust//rust:rust_common.bzl", "BuildInfo")

LinkedInfo = provider(
    "The crates below a Rust target.",
    fields = {
        "crates": "depset of `name@version`",
        "scripts": "depset of structs of a crate and its build script's linker flags",
    },
)

def _name(rule_attr, label):
    """A crate's name as cargo knows it: crate_universe's tag, or our folder."""
    for tag in getattr(rule_attr, "tags", []):
        if tag.startswith("crate-name="):
            return tag.removeprefix("crate-name=")
    return label.package.rpartition("/")[2]

def _linked_crates_impl(target, ctx):
    attr = ctx.rule.attr
    below = [dep[LinkedInfo] for dep in getattr(attr, "deps", []) if LinkedInfo in dep]
    if hasattr(attr, "actual") and LinkedInfo in attr.actual:
        return [attr.actual[LinkedInfo]]
    crates, scripts = [], []
    if ctx.rule.kind in ["rust_library", "rust_shared_library"]:
        key = "{}@{}".format(_name(attr, target.label), attr.version)
        crates.append(key)
        for dep in attr.deps:
            if BuildInfo in dep and dep[BuildInfo].linker_flags:
                scripts.append(struct(crate = key, flags = dep[BuildInfo].linker_flags))
    return [LinkedInfo(
        crates = depset(crates, transitive = [info.crates for info in below]),
        scripts = depset(scripts, transitive = [info.scripts for info in below]),
    )]

linked_crates = aspect(
    implementation = _linked_crates_impl,
    attr_aspects = ["deps", "actual"],
)
