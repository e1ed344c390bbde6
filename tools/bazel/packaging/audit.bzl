"""audit_test: `wheelwright audit` on one artifact, by its package's policy.

The rules are those of docs/spec/packaging.md: zip, RECORD, METADATA, tags, the
binary (glibc, macOS and Windows versions, imports, stable ABI), leaks of the
building machine, the size budget.
"""

def _audit_test_impl(ctx):
    [artifact] = ctx.files.artifact
    test = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(
        test,
        "#!/bin/sh\nexec '{}' audit --pyproject '{}' '{}'\n".format(
            ctx.executable._wheelwright.short_path,
            ctx.file.pyproject.short_path,
            artifact.short_path,
        ),
        is_executable = True,
    )
    runfiles = ctx.runfiles([artifact, ctx.file.pyproject, ctx.executable._wheelwright])
    return [DefaultInfo(
        executable = test,
        runfiles = runfiles.merge(ctx.attr._wheelwright[DefaultInfo].default_runfiles),
    )]

audit_test = rule(
    implementation = _audit_test_impl,
    attrs = {
        "artifact": attr.label(mandatory = True, allow_files = True),
        "pyproject": attr.label(mandatory = True, allow_single_file = True),
        "_wheelwright": attr.label(
            default = "//tools/wheelwright:wheelwright_bin",
            cfg = "exec",
            executable = True,
        ),
    },
    test = True,
)
