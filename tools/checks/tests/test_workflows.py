"""The rules of our own that workflows keep, which neither actionlint nor zizmor has.

Pinned actions, permissions, kept credentials and caches of releases are zizmor's; platforms,
packages and Pythons are the step `sync`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from repository import files, read

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The longest script a workflow may hold; the rest belongs in a command that also runs on
#: a laptop.
MOST_SCRIPT_LINES = 3
#: The environment that a person guards; only there is anything attested.
GUARDED = "pypi"
PUBLISHER = "pypa/gh-action-pypi-publish"
ATTESTER = "actions/attest"
#: The job that compares what the builders made, and what it runs for that.
AGREE = "agree"
JUDGES = ["wheelwright compare --sums", "wheelwright verify"]
#: What signs that a job made artifacts.
ATTEST = "wheelwright attest"
#: The key `on`, as YAML 1.1 reads it.
ON = True

WORKFLOWS = [file for file in files() if file.startswith(".github/workflows/")]
#: The workflow that `wheelwright init` writes, and the one that Renovate keeps up to date.
WRITTEN = "tools/wheelwright/data/release.yml"
RELEASE = ".github/workflows/release-python.yml"


def steps(job: Any) -> list[Any]:
    return job.get("steps") or []


def action(step: Any) -> str:
    """Returns the action that a step uses, without its commit."""
    return str(step.get("uses", "")).partition("@")[0]


def may_write(job: Any, what: str) -> bool:
    permissions = job.get("permissions")
    return isinstance(permissions, dict) and permissions.get(what) == "write"


def publishes(job: Any) -> bool:
    return any(action(step) == PUBLISHER for step in steps(job))


def uses_our_code(step: Any) -> bool:
    return action(step) == "actions/checkout" or action(step).startswith("./")


def runs(job: Any, command: str) -> bool:
    return any(command in step.get("run", "") for step in steps(job))


def attests(step: Any) -> bool:
    # The publisher attests unless told not to.
    publisher = action(step) == PUBLISHER
    told = step.get("with", {}).get("attestations") is not False
    return (publisher and told) or action(step).startswith(ATTESTER)


def job_findings(job: Any, called: bool) -> Iterator[str]:
    """Finds the rules for every workflow that a job breaks."""
    environment = job.get("environment")
    environment = environment["name"] if isinstance(environment, dict) else environment
    may = may_write(job, "id-token")  # act in the repository's name
    if "timeout-minutes" not in job:
        yield "has no timeout"
    if "uses" in job and (may or publishes(job)):
        yield "publishes by another workflow"
    if publishes(job) and not environment:
        yield "publishes without an environment"
    if may and any("run" in step or uses_our_code(step) for step in steps(job)):
        yield "may publish, and runs code of this repository"
    if may and called:
        yield "publishes, and the workflow can be called by others"
    if any(attests(step) for step in steps(job)) and environment != GUARDED:
        yield "attests outside the guarded environment"
    for step in steps(job):
        count = sum(1 for line in step.get("run", "").splitlines() if line.strip())
        if count > MOST_SCRIPT_LINES:
            yield f"a script of {count} lines; move it into a command"


def awaited(jobs: Any, name: str) -> set[str]:
    """Returns the jobs that a job itself waits for."""
    needs = jobs.get(name, {}).get("needs", [])
    return {needs} if isinstance(needs, str) else set(needs)


def before(jobs: Any, name: str) -> set[str]:
    """Returns all jobs that have passed when a job starts."""
    needs = awaited(jobs, name)
    return needs.union(*(before(jobs, need) for need in needs))


def release_findings(workflow: Any) -> Iterator[str]:
    """Finds the rules that the workflow which releases breaks."""
    jobs = workflow["jobs"]
    dispatch = workflow.get(ON, {}).get("workflow_dispatch") or {}
    if dispatch.get("inputs", {}).get("dry-run", {}).get("default") is not True:
        yield "is no dry run by default when it is started by hand"
    rebuilds = [name for name in jobs if name.startswith("rebuild-")]
    if len(rebuilds) < len({"cargo", "Nix"}):
        yield f"builds a release again in {rebuilds} only; cargo and Nix must agree with Bazel"
    for name in ["build", *rebuilds]:
        if name not in awaited(jobs, AGREE):
            yield f"job {AGREE}: does not compare what job {name} made"
        if not runs(jobs[name], ATTEST):
            yield f"job {name}: does not run `{ATTEST}`"
    for judge in JUDGES:
        if not runs(jobs[AGREE], judge):
            yield f"job {AGREE}: does not run `{judge}`"
    yield from publishing_findings(jobs)


def publishing_findings(jobs: Any) -> Iterator[str]:
    """Finds the rules that jobs which publish break."""
    pushing = [name for name in jobs if may_write(jobs[name], "packages")]
    for name in pushing:
        if any(uses_our_code(step) for step in steps(jobs[name])):
            yield f"job {name}: pushes an image, and runs code of this repository"
    publishing = [name for name in jobs if publishes(jobs[name])]
    if not publishing:
        yield "no job publishes"
    for name in publishing + pushing:
        if AGREE not in before(jobs, name):
            yield f"job {name}: publishes without job {AGREE}"


def findings(workflow: Any, release: bool) -> list[str]:
    """Returns the rules that a workflow breaks."""
    called = "workflow_call" in workflow.get(ON, {})
    jobs = workflow["jobs"].items()
    found = [f"job {name}: {what}" for name, job in jobs for what in job_findings(job, called)]
    return found + (list(release_findings(workflow)) if release else [])


@pytest.mark.parametrize("file", WORKFLOWS)
def test_a_workflow_keeps_the_rules(file: str) -> None:
    release = file.rpartition("/")[2].startswith("release-")
    workflow = yaml.safe_load(read(file))
    assert findings(workflow, release) == []
    if any(map(publishes, workflow["jobs"].values())):
        assert list(publishing_findings(workflow["jobs"])) == []


def test_the_workflow_for_others_keeps_the_rules_and_has_our_actions() -> None:
    text = read(WRITTEN)
    assert findings(yaml.safe_load(text), release=False) == []
    used = [line.partition("uses: ")[2] for line in text.splitlines() if "uses: " in line]
    assert used
    assert [line for line in used if f"uses: {line}\n" not in read(RELEASE)] == []


def test_there_are_workflows() -> None:
    assert any("release-" in file for file in WORKFLOWS)


GOOD = """
on:
  push:
  workflow_dispatch: { inputs: { dry-run: { default: true } } }
jobs:
  run:
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@1
      - run: |
          one
          two

          three
  build: { timeout-minutes: 5, steps: [run: wheelwright attest a] }
  rebuild-cargo: { timeout-minutes: 5, steps: [run: wheelwright attest b] }
  rebuild-nix: { timeout-minutes: 5, steps: [run: wheelwright attest c] }
  agree:
    needs: [build, rebuild-cargo, rebuild-nix]
    timeout-minutes: 5
    steps: [run: wheelwright compare --sums, run: wheelwright verify]
  stage: { timeout-minutes: 5, needs: [build, agree] }
  publish:
    needs: stage
    timeout-minutes: 5
    permissions: { id-token: write }
    environment: pypi
    steps:
      - uses: pypa/gh-action-pypi-publish@1
        with: { packages-dir: upload/1-engine/ }
  push:
    needs: publish
    timeout-minutes: 5
    permissions: { packages: write }
    steps: [uses: a/b@1]
"""
STEPS = "    environment: pypi\n    steps:"


def test_a_good_workflow_has_no_findings() -> None:
    assert findings(yaml.safe_load(GOOD), release=True) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("    timeout-minutes: 5\n", "", "no timeout"),
        ("three", "three\n          four", "a script of 4 lines"),
        ("    environment: pypi\n", "", "without an environment"),
        ("environment: pypi", "environment: other", "outside the guarded"),
        ("environment: pypi", "environment: { name: other }", "outside the guarded"),
        ("  push:\n  w", "  workflow_call:\n  w", "called by others"),
        (STEPS, f"{STEPS}\n      - run: x", "runs code"),
        (STEPS, f"{STEPS}\n      - uses: ./x", "runs code"),
        (STEPS, f"    uses: ./x.yml\n{STEPS}", "another workflow"),
        ("default: true", "default: false", "no dry run"),
        ("[build, agree]", "build", "publishes without"),
        ("[build, rebuild", "[rebuild", "what job build made"),
        (", rebuild-nix]", "]", "what job rebuild-nix made"),
        ("rebuild-nix: {", "nix: {", "only"),
        ("attest b", "b", "rebuild-cargo: does not run"),
        ("wheelwright verify", "wheelwright", "agree: does not run"),
        ("needs: publish", "needs: build", "push: publishes without"),
        ("a/b@1", "actions/checkout@1", "runs code"),
        ("a/b@1", "./x", "runs code"),
        ("pypa/gh-action-pypi-publish@1", "a/b@1", "no job publishes"),
    ],
)
def test_each_rule_can_be_broken(old: str, new: str, what: str) -> None:
    assert old in GOOD
    found = findings(yaml.safe_load(GOOD.replace(old, new, 1)), release=True)
    assert any(what in text for text in found), found
