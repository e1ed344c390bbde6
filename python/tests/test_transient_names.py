"""Which exceptions count as failures that may not come again, and how they are named."""

from __future__ import annotations

import re
import sys
from http.client import HTTPException, RemoteDisconnected
from typing import Any

import pytest

from daggerml import Transient, funk
from daggerml.errors import Error, InvalidError
from daggerml.transient import Failure


class Busy(Transient):
    """Of an author, with arguments of its own."""

    def __init__(self, code: int) -> None:
        self.code = code


class Quiet(Exception):  # noqa: N818  an author's
    pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("Nonsense", "'Nonsense' is no exception class of Python"),
        (["http.client.Nothing"], "is no exception class"),
        ("not a name", "is not the name of an exception class"),
        ([".Quiet"], "is not the name"),
        ([int], "is no exception class"),
        ([3], "3 is no exception class"),
        ([KeyboardInterrupt], "means that the process is to end"),
        ("SystemExit", "means that the process is to end"),
        ([Quiet], "which is not installed"),
        ([None], "None is no exception class"),
    ],
)
def test_names_that_make_no_sense(given: Any, words: str) -> None:
    with pytest.raises(InvalidError, match=re.escape(words)):
        funk(plain, transient=given)


def plain(dag: Any) -> Any:
    return 1


def test_names_are_one_class_however_they_are_written() -> None:
    def names(*given: Any) -> Any:
        return funk(plain, transient=given).runnable.kwargs["transient"]

    assert names(IOError, "EnvironmentError", OSError) == ["OSError"]
    assert names(HTTPException) == names("http.client.HTTPException")
    assert names("package_that_is_elsewhere.Busy") == ["package_that_is_elsewhere.Busy"]
    assert funk(plain, transient="OSError") == funk(plain, transient=OSError)
    assert funk(plain, transient=[]) == funk(plain)
    assert funk(plain, transient=[OSError]) != funk(plain)


def test_which_exceptions_count() -> None:
    def counts(problem: BaseException, *named: str) -> bool:
        return Failure(problem, named).transient

    assert counts(Transient("x"))
    assert counts(Busy(1))
    assert not counts(Error("x"))
    assert counts(RemoteDisconnected("x"), "http.client.HTTPException")
    assert not counts(RemoteDisconnected("x"), "nowhere.HTTPException", "Nonsense", ".Own", "json")
    chained = ValueError("x")
    chained.__cause__ = Transient("y")
    assert not counts(chained)
    assert not counts(KeyboardInterrupt())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with Python 3.11")
def test_groups_count_when_all_of_them_do() -> None:
    import builtins

    group = vars(builtins)["BaseExceptionGroup"]
    all_of_them = group("x", [Transient("a", retry_after=3), group("y", [OSError()])])
    failure = Failure(all_of_them, ["OSError"])
    assert (failure.transient, failure.retry_after) == (True, 3)
    assert not Failure(group("x", [Transient("a"), ValueError()]), ["OSError"]).transient


@pytest.mark.parametrize(
    ("asked", "members"),
    [
        (0.5, {"retry_after_ms": 500}),
        (float("inf"), {"retry_after_ms": 10**12}),
        (10**40, {"retry_after_ms": 10**12}),
        (float("nan"), {}),
        (-1, {}),
        ("soon", {}),
        (None, {}),
    ],
)
def test_when_to_try_again(asked: Any, members: dict[str, Any]) -> None:
    assert Failure(Transient("x", retry_after=asked)).members() == members
