"""Copies facts to the files of programs that cannot read them where they stand.

    python sync.py [--write]

A copy is between a comment line `<sync:NAME>` and a comment line `</sync>`; nothing outside
of such a region is touched. Without `--write`, a copy that differs is an error.
"""

from __future__ import annotations

import re
import shutil
import sys
from difflib import unified_diff
from typing import TYPE_CHECKING

from copies import WHOLE, copies
from facts import Facts, WrongError
from repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: A comment that is a mark, or nearly one.
MARK = re.compile(r"(\s*)(?:#|//|<!--)\s*(</?sync[^>]*>)\s*(?:-->)?\s*")

#: A file that is nothing but a region, before that is filled.
EMPTY = f"# <sync:{WHOLE}>\n# </sync>\n"


def filled(text: str, wanted: Mapping[str, list[str]]) -> str:
    """Returns a file with the wanted lines in each of its regions."""
    lines: list[str] = []
    opened = ""
    rest = dict(wanted)

    def demand(good: bool, number: int, what: str) -> None:
        if not good:
            raise WrongError(f"line {number}: {what}")

    number = 0
    for number, line in enumerate(text.split("\n"), 1):
        mark = MARK.fullmatch(line)
        if mark is None:
            lines += [] if opened else [line]
            continue
        name = re.fullmatch("<sync:([a-z-]+)>", mark[2])
        if name is None:
            what = f"`{mark[2]}` is not a mark; write `<sync:NAME>` or `</sync>`"
            demand(mark[2] == "</sync>", number, what)
            demand(opened != "", number, "`</sync>` ends no region")
            opened = ""
            lines.append(line)
            continue
        demand(not opened, number, f"the region `{name[1]}` begins inside `{opened}`")
        demand(name[1] in wanted, number, f"no fact is copied into a region `{name[1]}` here")
        demand(name[1] in rest, number, f"the region `{name[1]}` is here twice; keep one")
        opened = name[1]
        lines += [line, *(new and mark[1] + new for new in rest.pop(opened))]
    demand(not opened, number, f"the region `{opened}` has no `</sync>`")
    demand(not rest, number, f"the file ends without its regions {[*rest]}; add their marks")
    return "\n".join(lines)


def differences(root: Path) -> tuple[dict[str, tuple[str, str]], str]:
    """Returns the old and new texts of the files that differ, and how much was compared."""
    facts = Facts(root)
    wanted = copies(facts)
    changed, wrong = {}, []
    for path in sorted({*wanted, *facts.files}):
        file = root / path
        old = file.read_bytes().decode(errors="replace") if file.is_file() else ""
        if path not in wanted and "sync" not in old:
            continue
        regions = wanted.get(path, {})
        try:
            new = filled(old or (EMPTY if WHOLE in regions else ""), regions)
        except WrongError as error:
            wrong.append(f"{path}: {error}")
        else:
            if new != old:
                changed[path] = (old, new)
    if wrong:  # then nothing is written, not even what could be
        raise WrongError("\n".join(wrong))
    count = sum(map(len, wanted.values()))
    return changed, f"{count} copies in {len(wanted)} files are as their facts"


def replace(path: Path, text: str) -> None:
    """Replaces a file at once: whoever reads it sees the old text or the new."""
    new = path.with_name(f".sync-{path.name}")
    new.write_bytes(text.encode())
    if path.exists():
        shutil.copymode(path, new)
    new.replace(path)


def main(root: Path, *arguments: str) -> int:
    """Returns the exit code; the last line printed says how it went."""
    try:
        changed, compared = differences(root)
    except WrongError as error:
        print(error)
        return 1
    for path, (old, new) in changed.items():
        before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
        sys.stdout.writelines(unified_diff(before, after, path, path, n=2))
    names = ", ".join(changed)
    if not changed:
        print(compared)
    elif "--write" in arguments:
        for path, (_, new) in changed.items():
            replace(root / path, new)
        print(f"wrote {names}")
    else:
        print(f"not as the facts say: {names}; `cargo checks sync --write` writes them")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(ROOT, *sys.argv[1:]))
