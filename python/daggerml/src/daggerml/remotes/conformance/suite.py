"""Runs the rules against a helper, and makes the report."""

from __future__ import annotations

import contextlib
import inspect
import os
import secrets
from typing import TYPE_CHECKING, NamedTuple, Optional

from daggerml.remotes.client import Client, Ended
from daggerml.remotes.secrets import SHORTEST, WORDS
from daggerml.remotes.store import HelperError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["Broke", "Case", "Result", "Rule", "Skipped", "expect", "rules", "run"]


class Broke(Exception):  # noqa: N818  it is a finding, not an error of the program
    """A rule is broken; the text says how."""


class Skipped(Exception):  # noqa: N818
    """A rule does not concern this helper; the text says why."""


class Result(NamedTuple):
    """What came of one rule: ``outcome`` is ``passed``, ``failed`` or ``skipped``."""

    rule: str
    about: str
    outcome: str
    detail: str

    def line(self) -> str:
        """Returns the line of the report."""
        text = f"{self.outcome:8} {self.rule:24} {self.about}"
        return f"{text}\n         {self.detail}" if self.detail else text


class Case:
    """What one test has: helpers of its own, and a prefix of keys that nobody else uses."""

    def __init__(
        self, command: Sequence[str], holds: dict[str, bytes], patience: float, writable: bool
    ) -> None:
        self.command, self.holds, self.writable = list(command), holds, writable
        self.patience = patience
        self.prefix = f"conformance/{secrets.token_hex(8)}/"
        self.clients: list[Client] = []
        self.keys: set[str] = set()

    def start(self) -> Client:
        """Starts a helper and reads its greeting."""
        client = Client(self.command, patience=self.patience)
        self.clients.append(client)
        client.greeting()
        return client

    def key(self, name: str) -> str:
        """Returns a key for this test, whose blob is removed at the end."""
        key = self.prefix + name
        self.keys.add(key)
        return key

    def sample(self, client: Client, data: bytes) -> tuple[str, bytes]:
        """Returns the key and the bytes of a blob that is there."""
        if self.writable:
            key = self.key(f"sample-{len(self.keys)}")
            expect(client.ask("put", data, key=key).state == "created", "a put was not `created`")
            return key, data
        if not self.holds:
            text = "the remote is read only, and --holds does not say what it holds"
            raise Skipped(text)
        # The longest: most rules need a few bytes.
        return max(self.holds.items(), key=lambda item: len(item[1]))

    def writing(self) -> None:
        """Skips the rule if the remote is read only."""
        if not self.writable:
            text = "the remote is read only"
            raise Skipped(text)

    def finish(self) -> None:
        """Removes what was written, and ends the helpers."""
        with contextlib.suppress(Ended, HelperError, OSError):
            if self.keys and self.writable:
                client = self.start()
                for key in self.keys:
                    client.ask("delete", key=key)
        for client in self.clients:
            client.kill()


class Rule(NamedTuple):
    """A rule: what it says, and its test."""

    about: str
    test: Callable[[Case], None]


def expect(true: object, otherwise: str) -> None:
    """Raises :class:`Broke` unless something is true."""
    if not true:
        raise Broke(otherwise)


def refused(kind: str, asked: Callable[[], object], what: str) -> None:
    """Checks that a request is answered by an error of a kind."""
    try:
        answer = asked()
    except HelperError as error:
        expect(error.kind == kind, f"{what} is an error `{error.kind}`, not `{kind}` ({error})")
        return
    raise Broke(f"{what} is not refused with `{kind}`: {answer!r}")


def rules() -> dict[str, Rule]:
    """Returns the rules by name, in the order in which they are tested."""
    from daggerml.remotes.conformance import lines, reading, writing

    return {
        name.replace("_", "-"): Rule((test.__doc__ or "").partition(".")[0], test)
        for module in (lines, reading, writing)
        for name, test in vars(module).items()
        if inspect.isfunction(test) and test.__module__ == module.__name__ and name[0] != "_"
    }


def run(
    command: Sequence[str],
    *,
    holds: Optional[Path] = None,
    only: Optional[Sequence[str]] = None,
    patience: float = 60.0,
) -> Iterator[Result]:
    """Tests a helper.

    :param command: the program with its arguments, the last of which is the address.
    :param holds: a folder with what a read-only remote holds.
    :param only: names of rules; all of them without it.
    :param patience: how many seconds to wait for an answer.
    """
    held = {} if holds is None else _held(holds)
    writable = True
    with contextlib.suppress(Ended, HelperError, OSError):
        client = Client(command, patience=patience)
        try:
            client.greeting()
            writable = client.ask("describe")["writable"] is not False
        finally:
            client.kill()
    for name, rule in rules().items():
        if only is not None and name not in only:
            continue
        case = Case(command, held, patience, writable)
        outcome, detail = "passed", ""
        try:
            rule.test(case)
            _without_secrets(case)
        except Skipped as why:
            outcome, detail = "skipped", str(why)
        except Broke as how:
            outcome, detail = "failed", str(how)
        except (Ended, HelperError) as how:
            outcome, detail = "failed", f"there was no answer to go on with: {how}"
        except OSError as how:
            outcome, detail = "failed", f"it cannot be started: {how}"
        finally:
            case.finish()
        yield Result(name, rule.about, outcome, detail)


def _held(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _without_secrets(case: Case) -> None:
    """Checks that the helper did not show the value of a variable that holds a secret."""
    for client in case.clients:
        client.kill()  # only then has all that it wrote been read
    shown = "".join(client.written.decode() + client.log() for client in case.clients)
    for name, value in os.environ.items():
        if len(value) >= SHORTEST and any(word in name.upper() for word in WORDS):
            expect(value not in shown, f"it wrote the value of ${name}")
