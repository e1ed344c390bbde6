"""Derive the fact tables the audit needs from their public sources.

    pip install abi3info auditwheel trove-classifiers
    python tools/wheelwright-artifacts/data/make_tables.py

- `stable_abi.tsv`: every exported symbol of CPython's stable ABI with the first
  version that has it. The origin is CPython's `Misc/stable_abi.toml`; PyPI's
  `abi3info` (MIT) carries it as data.
- `manylinux.tsv`: which libraries and which symbol versions each manylinux
  platform promises. The origin is PEP 600 and the policy data that PyPI's
  `auditwheel` (MIT) keeps for it.
- `classifiers.tsv`: every classifier an index knows; for a deprecated one, which
  it refuses, those to use instead. The origin is PyPI's `trove-classifiers`
  (Apache-2.0), the list that the public index itself reads.

`cargo checks oracle` says when a table is older than the packages it locks.

Only names and version numbers are taken: facts, no program text. All tables
are sorted, so a newer source shows up as a small diff.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path

import abi3info
import auditwheel
import trove_classifiers

HERE = Path(__file__).parent


def stable_abi() -> str:
    version = importlib.metadata.version("abi3info")
    rows = [
        f"{symbol.name}\t{item.added.major}.{item.added.minor}"
        for table in (abi3info.FUNCTIONS, abi3info.DATAS)
        for symbol, item in table.items()
    ]
    head = f"# symbol, first CPython version; by make_tables.py from abi3info {version}\n"
    return head + "\n".join(sorted(set(rows))) + "\n"


def numeric(version: str) -> tuple[int, ...] | None:
    return tuple(map(int, version.split("."))) if re.fullmatch(r"[\d.]+", version) else None


def manylinux() -> str:
    version = importlib.metadata.version("auditwheel")
    folder = Path(auditwheel.__file__).parent / "policy"
    rows: list[str] = []
    for kind in ("manylinux", "musllinux"):
        for policy in json.loads((folder / f"{kind}-policy.json").read_text()):
            name = policy["name"]
            if not name.startswith(kind):
                continue
            rows.append(f"{name}\tlibraries\t*\t{' '.join(sorted(policy['lib_whitelist']))}")
            for arch, families in sorted(policy["symbol_versions"].items()):
                for family, versions in sorted(families.items()):
                    highest = max((v for v in versions if numeric(v)), key=numeric, default="")
                    named = sorted(v for v in versions if not numeric(v))
                    listed = " ".join(filter(None, [highest, *named]))
                    rows.append(f"{name}\t{family}\t{arch}\t{listed}")
    head = (
        "# platform, family, architecture, highest version then further named ones;"
        f" by make_tables.py from auditwheel {version}\n"
    )
    return head + "\n".join(rows) + "\n"


def classifiers() -> str:
    version = importlib.metadata.version("trove-classifiers")
    rows = list(trove_classifiers.sorted_classifiers)
    rows += [
        f"{classifier}\t{' | '.join(instead)}"
        for classifier, instead in trove_classifiers.deprecated_classifiers.items()
    ]
    head = (
        "# classifier; deprecated ones with those to use instead;"
        f" by make_tables.py from trove-classifiers {version}\n"
    )
    return head + "\n".join(sorted(rows)) + "\n"


if __name__ == "__main__":
    (HERE / "stable_abi.tsv").write_text(stable_abi())
    (HERE / "manylinux.tsv").write_text(manylinux())
    (HERE / "classifiers.tsv").write_text(classifiers())
