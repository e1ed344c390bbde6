"""Arguments of DaggerML 0.1.x: what they mean here, or what is written instead."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = ["Listed", "accepts"]

_OF_A_REMOTE = "a branch of a remote is a revision: 'origin/main'"
_GROWS = "the store grows by itself"

#: Arguments that never change a result here: they are left out, with a warning.
_WITHOUT_MEANING = {
    "db_map_size_headroom": _GROWS,
    "db_map_size_max": _GROWS,
    "max_retries": "what runs a call is asked once to stop it",
    "remote_fetch_workers": "there is nothing to set up",
    "remote_prune_age_seconds": "there is nothing to set up",
    "sleep": "a call that is awaited needs no pauses",
}

#: Arguments that are left out, with a warning, when they ask for nothing, and refused else.
_REPLACED = {
    "branch": "the first branch is main; repo.branch.rename('main', ...) renames it",
    "cache_key": "dag.call(...) makes the DAG of a call, and its key",
    "config_home": "the environment variable DML_CONFIG_DIR names the folder of settings",
    "db_path": "the store is in the folder .dml of the repository",
    "default_branch_name": "the first branch is main; repo.branch.rename('main', ...) renames it",
    "dep": _OF_A_REMOTE,
    "doc": "put the text as a node of its own: dag.put(text, name=...)",
    "execution_id": "dag.call(...) makes the DAG of a call, and its key",
    "remote": _OF_A_REMOTE,
    "remote_root": "repo.remotes.add('origin', ADDRESS) adds a remote to a repository; "
    "Dml.clone(ADDRESS, branch=...) clones one",
}

#: Arguments that have another name here.
_RENAMED: dict[str, Callable[[Any], tuple[str, Any]]] = {
    "ff_only": lambda value: ("ff", "only" if value else "auto"),
    "scope": lambda value: ("user", value == "global"),
}


def accepts(*names: str, **renamed: str) -> Callable[[Function], Function]:
    """Lets a function take these arguments of 0.1.x too, by keyword; type checkers do not.

    :param renamed: arguments that only have another name here: the old one to the new one.
    """

    def decorated(function: Function) -> Function:
        def accepting(*args: Any, **kwargs: Any) -> Any:
            for name in names:
                if name in kwargs:
                    _translate(function.__name__, name, kwargs)
            for name, new in renamed.items():
                if name in kwargs:
                    value = kwargs.pop(name)
                    if value is not None:
                        kwargs[new] = value
                    _warn(function.__name__, name, f"write {new}={value!r}", 3)
            return function(*args, **kwargs)

        for attribute in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
            setattr(accepting, attribute, getattr(function, attribute))
        accepting.__wrapped__ = function  # type: ignore[attr-defined]
        return accepting  # type: ignore[return-value]

    return decorated


def _translate(function: str, name: str, kwargs: dict[str, Any]) -> None:
    from daggerml.errors import InvalidError

    value = kwargs.pop(name)
    if name in _RENAMED:
        new, translated = _RENAMED[name](value)
        kwargs[new] = translated
        advice = f"write {new}={translated!r}"
    elif name in _WITHOUT_MEANING:
        advice = f"leave it out: {_WITHOUT_MEANING[name]}"
    else:
        if value:
            text = f"{function}() has no {name!r} here"
            raise InvalidError(text, hint=_REPLACED[name])
        advice = f"leave it out: {_REPLACED[name]}"
    _warn(function, name, advice, 4)


def _warn(function: str, name: str, advice: str, level: int) -> None:
    import warnings

    text = f"{name}= of {function}() is of daggerml 0.1; {advice}"
    warnings.warn(text, DeprecationWarning, stacklevel=level)


class Listed(dict):  # type: ignore[type-arg]
    """Commits by the names of branches or tags.

    ``listed[0]`` is the first of them as 0.1.x, which had a list, had it: with ``name`` and
    ``commit``.
    """

    __slots__ = ()

    def __missing__(self, key: object) -> dict[str, object]:
        if not isinstance(key, int):
            raise KeyError(key)
        import warnings

        name, commit = list(self.items())[key]
        text = "a number as index is of daggerml 0.1; write .items(), or list()[NAME]"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return {"name": name, "commit": commit}
