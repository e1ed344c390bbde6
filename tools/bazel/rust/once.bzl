"""once: a tool of the toolchains for wheels, made once for all wheels.

The settings of for_release, among them the CPython that a wheel is for, count for the
tools, too, that its toolchains need. So each of these would be made anew for every
CPython: wheelwright with all its crates, and zig's runtime libraries.
"""

load(":release.bzl", "for_tools")

def _once_impl(ctx):
    return [DefaultInfo(files = depset([ctx.file.tool]))]

once = rule(
    implementation = _once_impl,
    attrs = {
        "tool": attr.label(mandatory = True, allow_single_file = True, cfg = for_tools),
    },
)
