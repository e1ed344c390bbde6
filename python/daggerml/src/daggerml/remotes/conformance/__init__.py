"""Tests that any remote helper must pass, for whoever writes one.

Run them against a place where the helper may write, with nothing else in it that matters:

    python -m daggerml.remotes.conformance -- COMMAND ARGUMENT... ADDRESS

Each rule of ``docs/spec/remotes.md`` is one test. The blobs that the tests write have keys that
begin with ``conformance/``; they are removed at the end. A store that is read only is given
what it holds by ``--holds FOLDER``: each file of the folder is a blob, its path the key.

| module | holds |
|---|---|
| ``suite`` | runs the rules and makes the report |
| ``reading`` | rules of any helper |
| ``writing`` | rules of a helper that writes |
| ``lines`` | rules of the protocol itself |
"""

from daggerml.remotes.conformance.suite import Result, rules, run

__all__ = ["Result", "rules", "run"]
