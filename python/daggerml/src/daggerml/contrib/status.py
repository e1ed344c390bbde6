"""The adapters and codecs that are installed, in the form of DaggerML 0.1.x."""

from __future__ import annotations

from typing import Any

__all__ = ["status"]

_CODEC = ("can_encode", "encode")


def status() -> dict[str, Any]:
    """Returns the installed adapters, executors and codecs, and what is wrong with them.

    >>> from daggerml.contrib.status import status
    >>> [item["key"] for item in status()["executors"]]
    ['local:command', 'local:script']
    """
    from daggerml import codecs
    from daggerml.calls import GROUP
    from daggerml.errors import CodecError

    diagnostics: list[dict[str, str]] = []
    adapters = [_item("local", "daggerml.adapters.local:run")]
    adapters += [
        _item(point.name, point.value)
        for point in codecs.entry_points(GROUP)
        if point.name != "local"
    ]
    executors = [
        _item("local:command", "daggerml.adapters.command:command"),
        _item("local:script", "daggerml.funks:funk"),
    ]
    try:
        found = codecs.codecs()
    except CodecError as error:
        found = []
        problem = {"scope": "codec", "code": "plugin_load_failed", "message": error.message}
        diagnostics.append({"severity": "error", **problem})
    kinds = [
        {
            **_item(str(order), f"{type(codec).__module__}:{type(codec).__qualname__}"),
            "implements": {name: callable(getattr(codec, name, None)) for name in _CODEC},
        }
        for order, codec in enumerate(found)
    ]
    counts = {"adapter": adapters, "executor": executors, "codec": kinds}
    summary: dict[str, Any] = {
        "has_errors": bool(diagnostics),
        "diagnostic_count": len(diagnostics),
    }
    for kind, items in counts.items():
        summary[f"{kind}_registration_count"] = len(items)
        summary[f"{kind}_effective_count"] = sum(item["effective"] for item in items)
    return {
        "schema_version": 0,
        "summary": summary,
        "adapters": adapters,
        "executors": executors,
        "codecs": kinds,
        "diagnostics": diagnostics,
    }


def _item(key: str, home: str) -> dict[str, Any]:
    return {"key": key, "fqn": home, "effective": True, "implements": {}}
