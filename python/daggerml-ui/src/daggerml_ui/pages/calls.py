"""The calls, and one call with its runs, its log and why it is a hit or a miss."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Optional

from daggerml_ui.live_log import LogReader
from daggerml_ui.rendering import Page, count
from daggerml_ui.texts import text_of

if TYPE_CHECKING:
    from daggerml_ui.links import Links
    from daggerml_ui.sources import Source

__all__ = ["call", "calls", "state"]

_ROWS = 100

#: Of a longer log the beginning and the end are shown, so many bytes of each.
_LOG = 100_000

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def calls(source: Source, links: Links, *, skip: int = 0) -> Page:
    """Makes the page of all calls: those that run now, then the newest first."""
    found = source.dml._handle.execs(_ROWS + 1, skip)
    rows = [_row(told) for told in found[:_ROWS]]
    return Page(
        "calls",
        "Calls",
        {
            "rows": rows,
            "running": any(row["live"] for row in rows),
            "older": links.to("calls", skip=skip + _ROWS) if len(found) > _ROWS else None,
            "newer": links.to("calls", skip=max(0, skip - _ROWS) or None) if skip else None,
            "shown": f"{skip + 1:,} to {skip + len(rows):,}",
        },
    )


def call(source: Source, links: Links, text: str, *, run: Optional[int] = None) -> Page:
    """Makes the page of the call whose key begins with ``text``.

    :param run: the number of the run whose log is shown, from 1; by default the newest.
    """
    handle = source.dml._handle
    told = handle.exec_state(text)
    key = told["key"]
    attempts = handle.exec_attempts(key)
    explained = source.dml.exec.explain(key)
    log, cut = b"", 0
    number = run or len(attempts)
    # The log of the run that runs, unless another one is chosen.
    live = LogReader(source.dml, key) if told["running"] and run is None else None
    said = live.read().text if live else ""
    if attempts and not live:
        log = handle.exec_log(key, number)
        cut = max(0, len(log) - 2 * _LOG)
    runs = [
        {"number": number, **_run(made)}
        for number, made in zip(range(len(attempts), 0, -1), attempts)
    ]
    return Page(
        "call",
        explained.name or f"Call {key[:12]}",
        {
            "key": key,
            "row": _row(told),
            "runs": runs,
            "number": number,
            "log": _cut(log),
            "log_cut": count(cut, "byte") if cut else "",
            "explained": explained,
            "differences": [
                {
                    "part": f"{each.part} {each.path}".strip(),
                    "before": text_of(each.before),
                    "after": text_of(each.after),
                    "diff": each.diff,
                }
                for each in explained.differences
            ],
            "live": live is not None,
            "said": said,
            "events": links.to("events", key, after=live.place or None) if live else None,
        },
    )


def state(source: Source, key: str) -> dict[str, Any]:
    """Returns what changes while a call runs: what an event of its page tells."""
    told = source.dml._handle.exec_state(key)
    row = _row(told)
    return {
        "status": row["status"],
        "run": row["run"],
        "seconds": None if row["seconds"] is None else round(row["seconds"]),
    }


def _row(told: dict[str, Any]) -> dict[str, Any]:
    """Returns the newest run of a call as it is listed."""
    running, newest = told["running"], told["newest"]
    if running is not None:
        started = _EPOCH + timedelta(microseconds=running["since"])
        return {
            "key": told["key"],
            "status": "interrupted" if running["dead"] else running["state"],
            "live": not running["dead"],
            "claimed": True,
            "run": running["attempt"],
            "adapter": running["adapter"],
            "started": started,
            "seconds": (datetime.now(timezone.utc) - started).total_seconds(),
            "where": f"{running['host']}, process {running['pid']}",
            "cancel": running["cancel"],
            "cached": told["dag"] is not None,
            "dag": told["dag"],
        }
    row = {
        "key": told["key"],
        "status": "unknown",
        "live": False,
        "claimed": False,
        "run": None,
        "adapter": "",
        "started": None,
        "seconds": None,
        "where": "",
        "cancel": False,
        "cached": told["dag"] is not None,
        "dag": told["dag"],
    }
    if newest is not None:
        row.update(_run(newest), cached=told["dag"] is not None and newest["dag"] == told["dag"])
    return row


def _run(made: dict[str, Any]) -> dict[str, Any]:
    """Returns a run that ended as it is listed."""
    return {
        "status": made["status"],
        "adapter": made["adapter"],
        "started": _EPOCH + timedelta(microseconds=made["started"]),
        "seconds": (made["finished"] - made["started"]) / 1e6,
        "dag": made["dag"],
        "transient": made["transient"],
        "has_log": made["log"],
    }


def _cut(log: bytes) -> str:
    """Returns a log as text, without the middle of a very long one."""
    if len(log) <= 2 * _LOG:
        return log.decode("utf-8", "replace")
    start, end = log[:_LOG], log[-_LOG:]
    return f"{start.decode('utf-8', 'replace')}\n…\n{end.decode('utf-8', 'replace')}"
