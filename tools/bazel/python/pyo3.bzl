"""For which CPython an extension is compiled: what PyO3 reads in place of an interpreter.

`wheelwright build` says the same (tools/wheelwright/src/project/abi.rs).
"""

InterpreterInfo = provider(
    "The CPython that an extension is for.",
    fields = {"name": "`cp314t`; empty for the oldest stable ABI that Cargo.toml asks for"},
)

def _interpreter_impl(ctx):
    return [InterpreterInfo(name = ctx.build_setting_value)]

interpreter = rule(
    implementation = _interpreter_impl,
    doc = "A setting that only the transition for wheels changes.",
    build_setting = config.string(),
)

def _lines(name, oldest):
    """The configuration, as `key=value` lines. From 3.15 on, PyO3's feature makes abi3t of it."""
    if name:
        minor = name.removeprefix("cp3").removesuffix("t")
        own = ["version=3." + minor, "abi3=false"]
        if name.endswith("t"):
            own.append("build_flags=Py_GIL_DISABLED")
    else:
        own = ["version=" + oldest, "abi3=true"]
    return ["implementation=CPython", "shared=true"] + own

def _pyo3_config_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".txt")
    lines = _lines(ctx.attr._interpreter[InterpreterInfo].name, ctx.attr.oldest)
    ctx.actions.write(file, "".join([line + "\n" for line in lines]))
    return [DefaultInfo(files = depset([file]))]

pyo3_config = rule(
    implementation = _pyo3_config_impl,
    doc = "The file that PYO3_CONFIG_FILE names.",
    attrs = {
        "oldest": attr.string(mandatory = True, doc = "The oldest CPython, such as 3.9."),
        "_interpreter": attr.label(default = "//tools/bazel/python:interpreter"),
    },
)
