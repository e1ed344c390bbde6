"""docs/guide/from-0.1.md tells the truth about every public name of daggerml 0.1.x."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import daggerml
import daggerml.api

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "from-0.1.md"
CLASSES = [
    "Dag",
    "Node",
    "ListNode",
    "DictNode",
    "ScalarNode",
    "RunnableNode",
    "CollectionNode",
    "Projection",
    "NodeError",
    "Error",
    "Ref",
    "Uri",
    "Runnable",
    "Dml",
]
# What replaces a name that is gone, for the rows that say "better" of one.
REPLACED = {
    "Dml.dag": "Dml.load",
    "Dml.runtime": "Dml.indexes",
    "Dml.show": "Dml.dags",
}

NAMES = """
import json, sys
import daggerml, daggerml.api as api
found = ["daggerml." + name for name in daggerml.__all__]
of_exceptions = set(dir(Exception("")))
for name in sys.argv[1].split():
    cls = getattr(api, name)
    members = {n for n in dir(cls) if not n.startswith("_")} - of_exceptions
    members |= {n for n in getattr(cls, "__dataclass_fields__", {}) if not n.startswith("_")}
    found += [f"{name}.{member}" for member in members]
for name in dir(api):
    home = getattr(getattr(api, name), "__module__", "")
    public = not name.startswith("_") and home.startswith("daggerml")
    if public and not hasattr(daggerml, name) and name not in sys.argv[1].split():
        found.append("api." + name)
print(json.dumps(sorted(found)))
"""


def table() -> dict[str, str]:
    rows = re.findall(
        r"^\| `([\w.]+)` \| ([a-z ]+) \| .*\|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert len({name for name, _ in rows}) == len(rows) > 100
    return dict(rows)


def test_the_table_is_true_of_us() -> None:
    for name, verdict in table().items():
        assert verdict in {"same", "better", "not planned"}, name
        home, _, member = REPLACED.get(name, name).partition(".")
        if home == "daggerml":
            there = hasattr(daggerml, member)
        elif home == "api":
            there = hasattr(daggerml.api, member)
        elif member in {"message", "origin", "stack", "type"} and home.endswith("Error"):
            there = hasattr(daggerml.Error(""), member)
        else:
            there = hasattr(getattr(daggerml.api, home), member)
        assert there == (verdict in {"same", "better"}), f"{name}: {verdict}"


def test_the_table_has_every_name_of_the_released_package(peer: str) -> None:
    names = subprocess.run(
        [peer, "-I", "-c", NAMES, " ".join(CLASSES)], stdout=subprocess.PIPE, check=True, timeout=60
    )
    theirs = set(json.loads(names.stdout))
    ours = set(table())
    assert theirs - ours == set(), "these have no row"
    assert ours - theirs == set(), "these rows are of no name"
