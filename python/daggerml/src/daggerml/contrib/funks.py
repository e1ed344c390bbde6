"""The name of a funk of DaggerML 0.1.x, which says what replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from daggerml.dag import Dag

__all__ = ["docker_build"]


class _Gone:
    """A funk that does not exist any more: it can be imported, but not put into a DAG."""

    def __init__(self, name: str, hint: str) -> None:
        self._name = name
        self._hint = hint

    def _lower(self, dag: Dag) -> Any:
        text = f"there is no funk {self._name!r} here: it kept its images in S3"
        raise InvalidError(text, hint=self._hint)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        text = f"there is no funk {self._name!r} here: it kept its images in S3"
        raise InvalidError(text, hint=self._hint)

    def __repr__(self) -> str:
        return f"<{self._name}, which is not here>"


#: Built a container image from a folder, in 0.1.x.
docker_build = _Gone(
    "docker_build",
    "call the builder as a command: dag.call(daggerml.command([...]), ...), and put the "
    "image's name as a Uri",
)
