"""Exceptions. All of them are :class:`Error`, with origin, type, message and stack."""

from __future__ import annotations

from daggerml.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Optional

    from daggerml._core import Ref
    from daggerml.dag import Dag

__all__ = [
    "BadExecutionStatusError",
    "CanceledExecutionError",
    "CancellationError",
    "CodecError",
    "DmlRepoError",
    "Error",
    "ExecutionTimeoutError",
    "NameNotFoundError",
    "NodeError",
    "NotFoundError",
    "Transient",
]


class Error(Exception):
    """An error as DaggerML records it.

    ``message`` says what happened, ``origin`` where it comes from (``"python"``,
    ``"dml"``, an adapter's name), ``type`` what kind of error it is there, and
    ``stack`` holds the frames, outermost first, as dicts.

    >>> from daggerml import Error
    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError as exc:
    ...     error = Error.from_ex(exc)
    >>> error.origin, error.type, error.message
    ('python', 'ZeroDivisionError', 'division by zero')

    ``dag_ref`` is the ref of the DAG that recorded the error, when it was read
    from one.
    """

    dag_ref: Optional[Ref] = None

    #: Whether the same call may succeed another time. A call that ends in it is not cached.
    transient: bool = False

    def __init__(
        self,
        message: str = "",
        origin: str = "python",
        type: str = "Error",  # noqa: A002  the name of released versions
        stack: Optional[Iterable[Mapping[str, Any]]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.origin = origin
        self.type = type
        self.stack: list[dict[str, Any]] = [dict(frame) for frame in stack or ()]

    @classmethod
    def from_ex(cls, exc: BaseException) -> Error:
        """Makes an error of any exception, with its stack."""
        if isinstance(exc, Error):
            # The __init__ of a class of the author's may not have called this one.
            stack = getattr(exc, "stack", None)
            if not stack and isinstance(exc, Transient):
                stack = _stack(exc)
            message = getattr(exc, "message", None)
            name = getattr(exc, "type", None) or exc.__class__.__name__
            if not isinstance(message, str):
                message = Exception.__str__(exc)
            return Error(message, getattr(exc, "origin", "python"), name, stack)
        return Error(_text(exc), "python", exc.__class__.__name__, _stack(exc))

    def to_dict(self) -> dict[str, Any]:
        """Returns message, origin, type and stack."""
        return {
            "message": self.message,
            "origin": self.origin,
            "type": self.type,
            "stack": [dict(frame) for frame in self.stack],
        }

    @classmethod
    def from_dict(cls, parts: Mapping[str, Any]) -> Error:
        """Makes an error of what :meth:`to_dict` returned."""
        return Error(**parts)

    def __str__(self) -> str:
        # Tracebacks write this to a terminal, and it may be from a repository.
        return safe(self.message, keep="\n\t")

    def __repr__(self) -> str:
        return (
            f"{self.__class__.__name__}({self.message!r}, origin={self.origin!r}, "
            f"type={self.type!r})"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Error):
            return NotImplemented
        return self.__class__ is other.__class__ and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((self.message, self.origin, self.type))

    def _parts(self) -> tuple[object, ...]:
        return (self.message, self.origin, self.type, self.stack)

    def __reduce__(self) -> tuple[Any, ...]:
        # By state, not by arguments, which differ between the classes.
        return (_unpickled, (self.__class__,), self.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: Optional[dict[str, Any]]) -> None:
        self.__dict__.update(state or {})
        self.args = (self.message,)


# A stack of more frames is kept without its middle.
_MOST_FRAMES = 100


def _stack(exc: BaseException) -> list[dict[str, Any]]:
    import traceback

    return [
        {
            "filename": _text(frame.filename),
            "lineno": frame.lineno,
            "name": _text(frame.name),
            "line": _text(frame.line or ""),
        }
        for frame in _frames(traceback.extract_tb(exc.__traceback__))
    ]


def _frames(found: list[Any]) -> list[Any]:
    half = _MOST_FRAMES // 2
    return found if len(found) <= _MOST_FRAMES else [*found[:half], *found[-half:]]


def _text(thing: object) -> str:
    """Returns the text of something, in UTF-8; also when its ``str`` fails."""
    try:
        text = str(thing)
    except Exception:  # noqa: BLE001  an exception's own, on the way to be recorded
        text = f"<a {thing.__class__.__name__} that cannot be printed>"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _unpickled(cls: type[Error]) -> Error:
    return cls.__new__(cls)


class DmlRepoError(Error):
    """Something that the repository refused or could not do.

    ``kind`` is a stable name of what went wrong (``"invalid"``, ``"not_found"``,
    ``"exists"``, ``"conflict"``, ``"excised"``, ``"corrupt"``, ``"unsupported"``,
    ``"io"``, ``"unsafe"``, ``"closed"``); ``hint`` says what to do about it, where that is known.
    """

    kind: str
    hint: Optional[str]

    def __init__(self, message: str, *, kind: str = "invalid", hint: Optional[str] = None) -> None:
        super().__init__(message, "dml", self.__class__.__name__)
        self.kind = kind
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\nhint: {safe(self.hint)}" if self.hint else message


class NotFoundError(DmlRepoError, LookupError):
    """Something with this name does not exist."""

    def __init__(
        self, message: str, *, kind: str = "not_found", hint: Optional[str] = None
    ) -> None:
        super().__init__(message, kind=kind, hint=hint)


class NameNotFoundError(NotFoundError, AttributeError):
    """``dag.NAME``, and the DAG has no node of that name."""


class InvalidError(DmlRepoError, ValueError):
    """An argument is not valid, or does not fit the others."""


class CodecError(Error, TypeError):
    """No codec makes a value of an object, or a codec failed."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "dml-codec", "codec-error")

    @classmethod
    def unsupported(cls, value: object) -> CodecError:
        """Makes the error for an object of a type that no codec knows."""
        kind = value.__class__
        name = kind.__qualname__
        if kind.__module__ not in {"builtins", "__main__"}:
            name = f"{kind.__module__}.{name}"
        article = "an" if name[:1].lower() in set("aeio") else "a"
        return cls(
            f"a value cannot hold {article} {name}; {_advice(value)}convert it to null, bool, int, "
            "float, str, bytes, Uri, list, set, dict or Runnable, register a codec for it (entry "
            "point group 'daggerml.codecs'), or store it elsewhere and put its Uri"
        )


def _advice(value: object) -> str:
    """Returns the most likely help for an object that is not a value."""
    if hasattr(value, "__code__"):
        return "decorate it with @daggerml.funk to store and call it, or "
    if hasattr(value, "__next__"):
        return "make a list of what it yields, or "
    if value.__class__.__module__ == "daggerml.dag":
        return "put one of its nodes, such as its result, or "
    return ""


class Transient(Error):  # noqa: N818  it says what it means, as `raise Transient(...)`
    """A failure that may not come again, such as a server that is down. Raise it in a funk.

    The call is run again, as often as its ``retries`` allow. If it fails every time, the
    caller gets a :class:`NodeError`; nothing is cached, so the next call runs the
    function again.

    Derived classes count as well. For exceptions of others, write
    ``@funk(transient=[ConnectionError])``.
    """

    transient = True

    #: The least number of seconds to wait before the call is run again.
    retry_after: Optional[float] = None

    def __init__(self, message: str = "", *, retry_after: Optional[float] = None) -> None:
        super().__init__(_text(message), "python", self.__class__.__name__)
        self.retry_after = retry_after


class CancellationError(Error):
    """The DAG was cancelled."""

    def __init__(self, message: str = "the DAG was cancelled") -> None:
        super().__init__(message, "dml", "CancellationError")


class BadExecutionStatusError(DmlRepoError):
    """A call did not end, because the adapter failed (kind ``"adapter"``)."""


class CanceledExecutionError(BadExecutionStatusError):
    """A call was stopped (kind ``"canceled"``)."""


class ExecutionTimeoutError(BadExecutionStatusError, TimeoutError):
    """A call took longer than its ``timeout`` (kind ``"timeout"``)."""


_BY_KIND: dict[str, type[DmlRepoError]] = {
    "not_found": NotFoundError,
    "invalid": InvalidError,
    "adapter": BadExecutionStatusError,
    "canceled": CanceledExecutionError,
    "timeout": ExecutionTimeoutError,
}


class NodeError(Error):
    """The error of a call, raised where its result is asked for.

    ``dag`` is the DAG that holds the node and ``node_ref`` the node. Both are
    ``None`` in a copy that was pickled, which has no repository.

    If it was answered from the cache, ``hint`` says when it was recorded and how to
    run the call again. If it is ``transient``, nothing is cached, and ``hint`` says how
    often the call was tried. The text of the exception is the message and the hint.
    """

    dag: Optional[Dag]
    node_ref: Optional[Ref]

    #: What to do about it, such as how to run the call again; ``None`` where that is unknown.
    hint: Optional[str] = None

    def __init__(
        self,
        error: Error,
        *,
        node_ref: Optional[Ref] = None,
        dag: Optional[Dag] = None,
        hint: Optional[str] = None,
    ) -> None:
        super().__init__(error.message, error.origin, error.type, error.stack)
        self.transient = error.transient
        self.node_ref = node_ref
        self.dag = dag
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\nhint: {safe(self.hint)}" if self.hint else message

    def context(self) -> Dag:
        """Returns the DAG that recorded the error."""
        if self.dag is None or self.dag_ref is None:
            msg = "this error was pickled, so it does not know its repository"
            raise DmlRepoError(msg)
        return self.dag.dml.load(self.dag_ref)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "dag": None}


def engine_error(kind: str, message: str, hint: Optional[str] = None) -> DmlRepoError:
    """Makes the exception for an error of the engine; the extension calls this."""
    cls = _BY_KIND.get(kind, DmlRepoError)
    error = cls(message, kind=kind, hint=hint)
    # These are failures of what runs the function, not of the function.
    error.transient = kind in {"adapter", "canceled", "io", "timeout"}
    return error


def recorded_error(  # noqa: PLR0917  the parts of a recorded error
    message: str,
    origin: str,
    type: str,  # noqa: A002  the name of released versions
    stack: list[dict[str, Any]],
    dag: Ref,
    node: Optional[Ref] = None,
    transient: bool = False,
) -> Error:
    """Makes the exception for an error recorded in a DAG; the extension calls this."""
    error = Error(message, origin, type, stack)
    error.dag_ref = dag
    error.transient = transient
    if node is None:
        return error
    found = NodeError(error, node_ref=node)
    found.dag_ref = dag
    return found
