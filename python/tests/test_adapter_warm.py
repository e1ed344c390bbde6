"""The adapter `local` when one process runs several calls: none sees the one before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")

from by_hand import Adapter, outcome

from daggerml import funk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def local() -> Iterator[Adapter]:
    with Adapter() as adapter:
        yield adapter


def test_a_warm_process_is_as_it_was_after_every_call(local: Adapter) -> None:
    @funk
    def changes(dag: Any) -> Any:
        import os
        import sys

        found = os.environ.get("CHANGED"), "/nowhere" in sys.path, os.getcwd()  # noqa: PTH109
        os.environ["CHANGED"] = "yes"
        sys.path.insert(0, "/nowhere")
        os.chdir("/")
        return found

    assert outcome(local.invoke(changes)) == [None, False, str(Path.cwd())]
    assert outcome(local.invoke(changes)) == [None, False, str(Path.cwd())]


def test_the_next_call_of_a_process_has_its_streams(local: Adapter) -> None:
    @funk
    def breaks(dag: Any, how: Any) -> Any:
        import io
        import os
        import sys

        if how.value() == "closed":
            sys.stdout.close()
            sys.stderr.close()
        elif how.value() == "replaced":
            sys.stdout = sys.stderr = io.StringIO()
        elif how.value() == "none":
            sys.stdin = sys.stdout = sys.stderr = None
        else:
            for number in (0, 1, 2):
                os.close(number)
        return 1

    @funk
    def prints(dag: Any, how: Any) -> Any:
        import os
        import sys

        print("after", how.value())
        print("and", how.value(), "too", file=sys.stderr)
        os.write(2, b"straight\n")
        return sys.stdin.read()

    ways = ["closed", "replaced", "none", "numbers"]
    for how in ways:
        assert outcome(local.invoke(breaks, how)) == 1
        assert outcome(local.invoke(prints, how)) == ""
    log = local.close()
    assert log == "".join(f"after {how}\nand {how} too\nstraight\n" for how in ways)
