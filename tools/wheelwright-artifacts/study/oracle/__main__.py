"""Ask independent tools about a corpus of artifacts, and compare with our audit.

    pip install --group tools/checks/pyproject.toml:oracle
    python tools/wheelwright-artifacts/study/oracle WHEELWRIGHT docs/audit-study.md
        [--dist dist] [--all]

Every artifact of the corpus is good but for one thing (`mutations.py`). Ours must
find that thing and nothing else; and where one of the tools in `judges.py` answers
otherwise, the page must hold a verdict on who is right. A verdict on what nobody
disagrees about any more is a finding, too. `--all` prints every disagreement.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import json
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import trove_classifiers
from judges import JUDGES
from mutations import Case, all_cases
from native import answers, bills, lies

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How the table says whether an artifact is refused.
WORDS = {True: "refused", False: "taken"}
HEAD = "| judge | case | wheelwright | the judge | verdict |"


def audit(wheelwright: str, files: list[Path]) -> dict[str, set[str]]:
    """Return the rules that each file breaks; those of `index`, and a few of `ours`."""
    more = "leftover,module-name,top-level,module-present"
    broken: dict[str, set[str]] = {str(file): set() for file in files}
    for options in (["--policy", "index"], ["--select", more]):
        command = [wheelwright, "audit", "--json", *options, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in {0, 1}:
            # One that cannot be read at all is refused without a rule.
            for line in done.stderr.splitlines():
                for file in files:
                    if str(file) in line:
                        broken[str(file)].add("unreadable")
        for report in json.loads(done.stdout or "[]"):
            broken[report["file"]].update(f["rule"] for f in report["findings"])
    return broken


def verdicts(page: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the rows of the page's table: what each side says, by judge and case."""
    rows = {}
    text = page.read_text(encoding="utf-8")
    if HEAD not in text:
        raise SystemExit(f"{page} has no table that begins with {HEAD}")
    for line in text.split(HEAD, 1)[1].splitlines()[2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) != 5 or not cells[4]:  # noqa: PLR2004
            raise SystemExit(f"{page}: a row of the verdicts has not five cells: {line}")
        rows[cells[0], cells[1].strip("`")] = (cells[2], cells[3])
    return rows


def fresh_tables() -> list[str]:
    """Return which fact tables are older than the packages they come from."""
    data = Path(__file__).parents[2] / "data"
    found = []
    for table, package in (
        ("classifiers.tsv", "trove-classifiers"),
        ("manylinux.tsv", "auditwheel"),
        ("stable_abi.tsv", "abi3info"),
    ):
        head = (data / table).read_text(encoding="utf-8").splitlines()[0]
        version = importlib.metadata.version(package)
        if not head.endswith(f"{package} {version}"):
            found.append(f"{table} is not from {package} {version}; run data/make_tables.py")
    known = {
        line.split("\t")[0]
        for line in (data / "classifiers.tsv").read_text(encoding="utf-8").splitlines()[1:]
    }
    official = trove_classifiers.classifiers | set(trove_classifiers.deprecated_classifiers)
    if known != official:
        found.append(f"classifiers.tsv differs: {sorted(known ^ official)[:5]}")
    return found


def own_mistake(case: Case, found: set[str]) -> str | None:
    """Return how our audit fails the case, whatever others say."""
    if case.breaks and not found & {case.rule, "unreadable"}:
        return f"it breaks {case.rule}; found {sorted(found)}"
    wrong = found if case.alone else found & {case.rule}
    if not case.breaks and wrong:
        return f"it is in order; found {sorted(wrong)}"
    return None


def disagreements(
    case: Case, file: Path, found: set[str]
) -> Iterator[tuple[str, tuple[str, str], str]]:
    """Give who answers otherwise than ours, what both say, and why the judge does."""
    refused = "unreadable" in found
    mistake = own_mistake(case, found)
    if mistake:
        yield "corpus", (WORDS[not case.breaks], WORDS[case.breaks]), mistake
    for judge in JUDGES:
        if not judge.asked(case):
            continue
        try:
            theirs = judge.ask(case, file)
        except Exception as error:
            theirs = f"{type(error).__name__}: {error}"
        ours = refused or judge.ours(case, found)
        if ours != bool(theirs) and (judge.both or not ours):
            why = re.sub(r"\s+", " ", theirs or "")
            yield judge.name, (WORDS[ours], WORDS[bool(theirs)]), why


def fits(row: tuple[str, str], asked: tuple[str, str]) -> bool:
    """Whether a row of the table is about this; its case may have `*` in it."""
    judge, case = row
    return judge == asked[0] and (case == asked[1] or fnmatch.fnmatchcase(asked[1], case))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheelwright")
    parser.add_argument("page", type=Path)
    parser.add_argument("--dist", type=Path, help="our own compiled wheels")
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    cases = all_cases()
    problems = fresh_tables()
    problems += bills(options.dist) if options.dist else []
    known = verdicts(options.page)
    used = set()
    questions = 0
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for number, case in enumerate(cases):
            file = Path(folder, str(number), case.artifact.called())
            file.parent.mkdir()
            file.write_bytes(case.artifact.bytes())
            files[case.name] = file
        natives = list(lies(options.dist, Path(folder, "dist"))) if options.dist else []
        every = [*files.values(), *(native.file for native in natives)]
        broken = audit(options.wheelwright, every)
        said = []
        for case in cases:
            file = files[case.name]
            said += [(case.name, *row) for row in disagreements(case, file, broken[str(file)])]
            questions += 1 + sum(judge.asked(case) for judge in JUDGES)
        for native in natives:
            for judge, ours, theirs in answers(native, broken[str(native.file)]):
                questions += 1
                if ours != bool(theirs):
                    said.append(
                        (native.name, judge, (WORDS[ours], WORDS[bool(theirs)]), theirs or "")
                    )
    for case_name, judge, words, why in said:
        match = next((key for key in known if fits(key, (judge, case_name))), None)
        row = f"| {judge} | `{case_name}` | {words[0]} | {words[1]} |"
        if options.all:
            print(row, why[:100])
        if match and known[match] == words:
            used.add(match)
        else:
            problems.append(f"no verdict: {row} {why}")
    problems += [f"no longer so: {row}" for row in known if row not in used]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(
        f"{len(cases) + len(natives)} artifacts, {questions} questions, "
        f"{len(used)} verdicts, {len(problems)} open"
    )
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
