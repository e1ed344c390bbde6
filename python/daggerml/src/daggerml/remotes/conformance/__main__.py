"""The program ``python -m daggerml.remotes.conformance``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from daggerml.remotes.conformance.suite import rules, run


def main() -> int:
    """Runs the tests and prints the report. Returns 0 when all that ran passed."""
    parser = argparse.ArgumentParser(
        prog="python -m daggerml.remotes.conformance",
        description="Tests a remote helper by the rules of docs/spec/remotes.md.",
    )
    parser.add_argument(
        "--holds",
        metavar="FOLDER",
        type=Path,
        help="what the remote holds already: each file is a blob, its path the key",
    )
    parser.add_argument("--only", metavar="RULE", action="append", help="run only this rule")
    parser.add_argument("--list", action="store_true", help="list the rules, and run nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object a rule")
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=float,
        default=60.0,
        help="how long to wait for an answer (default: 60)",
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="the helper and its address")
    options = parser.parse_args()
    if options.list:
        for name, rule in rules().items():
            print(f"{name:24} {rule.about}")
        return 0
    if not options.command:
        parser.error("the command of the helper is missing: -- COMMAND ARGUMENT... ADDRESS")
    unknown = set(options.only or ()) - rules().keys()
    if unknown:
        parser.error(f"no rule is called {min(unknown)!r}; --list shows them")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for result in run(
        options.command, holds=options.holds, only=options.only, patience=options.patience
    ):
        counts[result.outcome] += 1
        print(json.dumps(result._asdict()) if options.json else result.line(), flush=True)
    if not options.json:
        print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
