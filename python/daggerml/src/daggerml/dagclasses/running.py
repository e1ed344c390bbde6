"""``daggerml.run``: a DAG of an instance of a dag class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional

from daggerml.dagclasses.compiled import Compiled, compiled
from daggerml.dagclasses.pool import Pool
from daggerml.errors import InvalidError, NotFoundError
from daggerml.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daggerml.dag import Dag
    from daggerml.dml import Dml
    from daggerml.node import Node

__all__ = ["run"]


def run(
    instance: Any,
    *args: Any,
    name: Optional[str] = None,
    message: Optional[str] = None,
    tags: Optional[Iterable[str]] = None,
    entrypoint: Optional[str] = None,
    dml: Optional[Dml] = None,
    parallel: Optional[int] = None,
    timeout: Optional[float] = None,
    cache: Optional[bool] = None,
    retries: Optional[int] = None,
    progress: Optional[bool] = None,
) -> Dag:
    """Runs an instance of a :func:`daggerml.dagclass`: makes its DAG, commits and returns it.

    Each step is a call with the name of its method, and each field that a step takes is a
    node with the name of the field. Steps that do not need each other run at the same time.
    After the first error no more steps begin. ``dml dag graph`` draws the DAG.

    With ``args``, it only calls the entrypoint with them.

    :param name: the name of the DAG; by default that of the class.
    :param entrypoint: the method to stop at, instead of the one of the class.
    :param dml: the repository; by default the one of :func:`daggerml.get_default_dml`.
    :param parallel: how many steps run at once on this machine, at most; by default the number
        of processors.
    :param timeout: how many seconds a step may take, if it has no timeout of its own.
    :param cache: ``False`` runs all steps, also those in the cache.
    :param retries: how many more times to run a step when its adapter fails.
    :param progress: whether to show a bar on standard error; by default when it is a
        terminal. Without a bar, messages go to the logger ``daggerml``.
    :raises StepError: the first error, which names the step. It is the DAG's error too.
    """
    from daggerml.session import get_default_dml

    made = compiled(instance)
    title = made.owner if name is None else name
    options = {"timeout": timeout, "cache": cache, "retries": retries}
    entry = made.entrypoint if entrypoint is None else entrypoint
    explicit = entrypoint is not None or entry in made.methods
    if explicit and entry not in made.methods:
        text = f"{made.owner} has no method {entry!r} to run"
        raise NotFoundError(text, hint=f"it has: {', '.join(made.methods) or 'no methods'}")
    alone = bool(args) or (explicit and entry not in made.steps)
    if alone and not explicit:
        text = f"{made.owner} has no method {entry!r} to call with arguments"
        hint = "run it without arguments, or name a method by entrypoint=..."
        raise InvalidError(text, hint=hint)
    if alone:
        _check_arguments(made, entry, len(args))
    elif not made.steps:
        text = f"{made.owner} has no method that is a step"
        hint = "each parameter of a step is the name of a field or of another method"
        raise InvalidError(text, hint=hint)
    if parallel is not None and parallel < 1:
        text = f"parallel is a whole number, 1 or more, not {parallel!r}"
        raise InvalidError(text)
    repository = get_default_dml() if dml is None else dml
    with repository.new(title, title if message is None else message, tags=tags) as dag:
        wanted = [entry] if alone else _wanted(made, entry if explicit else None)
        given = {entry: list(args)} if alone else {}
        pool = Pool(repository.new(title), made, wanted, options, parallel, given)
        with Progress(len(pool.wanted), title, shown=progress) as bar:
            pool.bar = bar
            pool.run()
        nodes = pool.record(dag)
        dag.commit(_result(made, nodes, entry if explicit else None))
    return dag


def _check_arguments(made: Compiled, entry: str, given: int) -> None:
    need = made.needs[entry]
    least = len([name for name in need.parameters if name not in need.optional])
    if given < least or (given > len(need.parameters) and not need.open):
        wants = ", ".join(need.parameters) or "none"
        text = f"{made.owner}.{entry} takes the arguments: {wants}; {given} were given"
        hint = f"write run({made.owner}(...), {wants}), or make them members of the class"
        raise InvalidError(text, hint=hint)


def _wanted(made: Compiled, entry: Optional[str]) -> list[str]:
    """Returns the steps to run, each after those that it needs."""
    if entry is None:
        return list(made.steps)
    found = {entry}
    for name in reversed(list(made.steps)):
        if name in found:
            found.update(made.steps[name].arguments)
    return [name for name in made.steps if name in found]


def _result(made: Compiled, nodes: dict[str, Node], entry: Optional[str]) -> Any:
    if entry is not None:
        return nodes[entry]
    needed = {name for step in nodes for name in made.steps[step].arguments}
    last = {name: node for name, node in nodes.items() if name not in needed}
    return next(iter(last.values())) if len(last) == 1 else last
