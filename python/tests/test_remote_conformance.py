"""The conformance suite: it passes a good helper, and each of its rules can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from daggerml.remotes import conformance
from daggerml.remotes.secrets import without_secrets

PROGRAM = str(Path(__file__).with_name("remote_helpers.py"))

#: What is broken, and the rules that find it.
BROKEN = {
    "NoName": "greeting",
    "OneAtATime": "many-at-once",
    "strict_members": "unknown-members",
    "ignores_verbs": "unknown-verb",
    "any_protocol": "unknown-protocol",
    "any_key": "bad-keys",
    "any_member": "bad-members",
    "crashes": "not-json too-long",
    "status_3": "end-of-input",
    "hasty": "last-answers",
    "talks": "silence",
    "LoudDescribe": "describe",
    "NotMissing": "missing",
    "Text": "get",
    "NeverUnchanged": "known",
    "InclusiveRanges": "ranges",
    "CutsAtLimit": "limits",
    "SaysReadOnly": "read-only",
    "PutReplaces": "put",
    "SwapsBlindly": "swap",
    "ChecksThenWrites": "put-race swap-race",
    "DeleteOfNothingFails": "delete",
    "ListsFolders": "list-all",
    "Unordered": "list-all",
    "ListsAgain": "list-after",
    "LongPages": "list-pages",
    "Caches": "others-see-it",
    "half_bodies": "half-a-body",
    "ShortBodies": "large",
    "Leaks": "missing",
}


def command(variant: str, folder: Path) -> list[str]:
    return [sys.executable, PROGRAM, variant, f"table:{folder / 'blobs'}"]


def test_a_good_helper_passes(tmp_path: Path) -> None:
    results = list(conformance.run(command("Table", tmp_path)))
    assert [each for each in results if each.outcome == "failed"] == []
    # It can be written, so the only rule that does not concern it is this one.
    assert [each.rule for each in results if each.outcome == "skipped"] == ["read-only"]


@pytest.mark.parametrize("variant", BROKEN)
def test_what_is_broken_is_found(
    variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "not-to-be-shown")
    rules = BROKEN[variant].split()
    run = conformance.run(command(variant, tmp_path), only=rules, patience=5)
    assert [(each.rule, each.outcome) for each in run] == [(rule, "failed") for rule in rules]


def test_every_rule_can_fail() -> None:
    assert set(" ".join(BROKEN.values()).split()) == set(conformance.rules())


def report(*words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "daggerml.remotes.conformance", *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)


def test_the_report(tmp_path: Path) -> None:
    made = report("--only", "put", "--only", "get", "--", *command("PutReplaces", tmp_path))
    assert made.returncode == 1
    lines = made.stdout.splitlines()
    assert lines[0].startswith("passed   get ")
    assert lines[1].startswith("failed   put ")
    assert "a put where something is gave" in lines[2]
    assert lines[-1] == "1 passed, 1 failed, 0 skipped"
    assert report("--only", "get", "--", *command("Table", tmp_path)).returncode == 0
    assert report("--only", "nothing", "--", "true").returncode == 2
    assert report().returncode == 2
    assert len(report("--list").stdout.splitlines()) == len(conformance.rules())


def test_a_program_that_does_not_exist_fails_every_rule(tmp_path: Path) -> None:
    made = report("--only", "describe", "--", str(tmp_path / "nothing"), "x")
    assert made.returncode == 1
    assert "cannot be started" in made.stdout


def test_secrets_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "abcdef/123")
    monkeypatch.setenv("HARMLESS", "harmless")
    for text, shown in {
        "key abcdef/123 is wrong": "key *** is wrong",
        "harmless": "harmless",
        "https://me:word@host/x": "https://***@host/x",
        "PUT http://h/x?sv=1&sig=a%2Fb&se=2": "PUT http://h/x?sv=1&sig=***&se=2",
        "Authorization: Bearer abc.def": "Authorization: ***",
    }.items():
        assert without_secrets(text) == shown
    assert without_secrets("the other-one", ("other-one",)) == "the ***"
