"""Operators on nodes: they raise an error that says what to write instead."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn

__all__ = ["refuse"]

_BOTH_SIDES = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%",
    "pow": "**", "matmul": "@", "and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>",
}  # fmt: skip
_ONE_SIDE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "neg": "-", "abs": "abs()"}


def refuse(cls: type) -> None:
    """Gives a class of nodes these operators.

    Only nodes of single values get them: a list on the left of ``+=`` would ask a node on the
    right for ``+`` before it took the elements.
    """
    for name, sign in _BOTH_SIDES.items():
        setattr(cls, f"__{name}__", _refusal(sign))
        setattr(cls, f"__r{name}__", _refusal(sign))
    for name, sign in _ONE_SIDE.items():
        setattr(cls, f"__{name}__", _refusal(sign))
    setattr(cls, "__format__", _format)  # noqa: B010  type checkers take no assignment


def _refusal(sign: str) -> Callable[..., NoReturn]:
    def refuse(self: Any, *_: Any) -> NoReturn:
        raise TypeError(_text(sign))

    return refuse


def _format(self: Any, spec: str) -> str:
    if spec:
        raise TypeError(_text(f"the format {spec!r}"))
    return str(self)


def _text(what: str) -> str:
    return f"{what} is for values, and this is a node: its value is node.value()"
