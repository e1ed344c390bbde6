"""Failures that may not come again, on a Dask cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_adapter_dask import cluster, on_cluster, on_dask

from daggerml import NodeError, funk

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cluster", "on_dask"]  # fixtures


@on_cluster
def test_transient_errors_on_the_cluster(on_dask: Any, tmp_path: Path) -> None:
    @funk(adapter="dask", transient=[OSError])
    def flaky(dag: Any, place: Any) -> Any:
        import pathlib

        with pathlib.Path(place.value()).open("a+") as file:
            file.write("x")
            file.seek(0)
            if len(file.read()) < 3:
                raise ConnectionRefusedError("not yet")
        return "up"

    @funk(adapter="dask", prepop={"flaky": flaky})
    def outer(dag: Any, place: Any) -> Any:
        return dag.call(dag.flaky, place, retries=0)

    place = tmp_path / "runs"
    with on_dask.new("transient") as dag:
        with pytest.raises(NodeError, match="after 1 attempt; nothing is cached") as caught:
            dag.call(outer, str(place))
        assert (caught.value.transient, place.read_text()) == (True, "x")
        assert dag.call(flaky, str(place)).value() == "up"  # tried twice
        assert place.read_text() == "xxx"
        dag.commit(None)
