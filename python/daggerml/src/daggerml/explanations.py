"""Why a call is answered from the cache or run: how it differs from the nearest earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from daggerml._core import Ref
    from daggerml.dml import Dml

__all__ = ["Difference", "Explanation", "explain"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Difference:
    """A part of a call that differs from the nearest earlier one."""

    #: Which part: ``"code of NAME"``, ``"argument 2"`` (from 1), ``"prepop"``, ``"adapter"`` ...
    part: str
    #: The path to the place in that part, such as ``[3]["lr"]``.
    path: str
    #: The value there in the earlier call and in this one; ``None`` for null, or for nothing.
    before: Any
    after: Any
    #: The difference as a unified diff, for code and for texts of several lines.
    diff: Optional[str]


@dataclass(frozen=True)
class Explanation:
    """Why a call is a hit or a miss. ``print`` it to read it in words."""

    #: The call's key.
    key: str
    #: The name of the function; ``None`` if it is unknown.
    name: Optional[str]
    #: ``cached``, ``running``, ``invalidated``, ``transient``, ``failed``, ``canceled``,
    #: ``excised``, ``new``, or ``uncached`` for a funk with ``cache=False``.
    verdict: str
    #: The verdict in words.
    meaning: str
    #: Of the run in the cache, or else of the newest run: when it ended, its record and its DAG.
    recorded: Optional[datetime]
    exec: Optional[Ref]
    dag: Optional[Ref]
    #: The key of the most similar call of that function that ended before this one was first
    #: run, and when it ended.
    nearest: Optional[str]
    nearest_recorded: Optional[datetime]
    #: What differs from it.
    differences: tuple[Difference, ...]
    #: How many earlier calls were compared, and whether older ones were left out.
    compared: int
    limited: bool
    #: The whole explanation in words.
    text: str

    @property
    def hit(self) -> bool:
        """Whether the call is answered from the cache."""
        return self.verdict == "cached"

    def __str__(self) -> str:
        return self.text

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.text)


def explain(dml: Dml, call: Any, args: tuple[Any, ...]) -> Explanation:
    """Explains the call of a key, or of something that can be called with ``args``."""
    from daggerml.calls import parts_of
    from daggerml.codecs import encode
    from daggerml.errors import InvalidError
    from daggerml.node import Node
    from daggerml.projection import Projection

    if isinstance(call, str):
        if args:
            text = "a key stands for the whole call; give arguments with a funk"
            raise InvalidError(text)
        told = dml._handle.explain(call)
    else:
        runnable, _, options = parts_of(call)
        # Codecs may put nodes into it. It is never written.
        scratch = dml.new("explain")

        def codec(thing: Any) -> Any:
            # Nothing is called, so only the value of a node matters.
            if isinstance(thing, (Node, Projection)):
                return thing.value()
            return encode(thing, scratch)

        try:
            told = dml._handle.explain([runnable, *args], codec)
        finally:
            scratch._writer().discard()
        if options.get("cache") is False:
            _never_cached(told)
    made = told["attempt"] or {}
    return Explanation(
        key=told["key"],
        name=told["name"],
        verdict=told["verdict"],
        meaning=told["meaning"],
        recorded=_time(made.get("finished")),
        exec=made.get("exec"),
        dag=made.get("dag"),
        nearest=told["nearest"],
        nearest_recorded=_time(told["nearest_recorded"]),
        differences=tuple(Difference(**each) for each in told["differences"]),
        compared=told["compared"],
        limited=told["limited"],
        text=told["text"],
    )


def _never_cached(told: dict[str, Any]) -> None:
    told["verdict"] = "uncached"
    told["meaning"] = "a miss: this funk has cache=False, so every call of it is run"
    told["text"] += f"\nBut {told['meaning'][8:]}.\n"


def _time(microseconds: Optional[int]) -> Optional[datetime]:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)
