"""Blobs: files of any size as values, put and read a part at a time."""

from __future__ import annotations

import io
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import daggerml
from daggerml import Blob, Dml, DmlRepoError, Runnable

CHUNK = 4 << 20


def content(length: int) -> bytes:
    """Returns bytes that repeat at no chunk's length."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


@pytest.fixture
def repo(tmp_path: Path) -> Dml:
    return Dml.init(tmp_path / "repo")


@pytest.mark.parametrize("length", [0, 5, CHUNK, 2 * CHUNK + 7])
def test_a_file_comes_back_whole_and_by_pieces(repo: Dml, tmp_path: Path, length: int) -> None:
    data = content(length)
    path = tmp_path / "data"
    path.write_bytes(data)
    with repo.new("files") as dag:
        node = dag.put_file(path, name="data")
        assert node == dag.put_file(str(path)) == dag.put_file(io.BytesIO(data))
        assert node.open().read() == data  # before it is committed
        dag.commit(node)
    node = repo.load("files").data  # type: ignore[assignment]
    assert (node.type, node.size, node.name) == ("blob", length, "data")
    blob = node.value()
    assert isinstance(blob, Blob)
    assert blob.size == length
    with node.open() as file:
        assert file.readable()
        assert file.seekable()
        assert file.seek(-min(3, length), io.SEEK_END) == length - min(3, length)
        assert file.read() == data[-3:]
        assert file.read(5) == b""
        assert file.seek(length // 2) == length // 2
        buffer = bytearray(CHUNK + 1)
        count = file.readinto(buffer)
        assert buffer[:count] == data[length // 2 :][: CHUNK + 1]
        file.seek(0)
        assert io.BufferedReader(file).read() == data
    with pytest.raises(ValueError, match="closed"):
        file.read()
    node.save(tmp_path / "copy")
    node.save(tmp_path / "copy")  # it may be there
    assert (tmp_path / "copy").read_bytes() == data
    assert sorted(it.name for it in tmp_path.iterdir()) == ["copy", "data", "repo"]


def test_places_that_are_not_in_a_blob(repo: Dml) -> None:
    with repo.new("files") as dag:
        file = dag.put_file(io.BytesIO(b"abc")).open()
        assert file.seek(10) == 10
        assert file.read() == b""
        assert file.seek(-8, io.SEEK_CUR) == 2
        with pytest.raises(ValueError, match="no place -1"):
            file.seek(-1)
        with pytest.raises(ValueError, match="whence"):
            file.seek(0, 7)
        dag.commit(1)


def test_a_blob_is_a_value(repo: Dml) -> None:
    with repo.new("files") as dag:
        node = dag.put_file(io.BytesIO(b"one"))
        other = dag.put_file(io.BytesIO(b"two"))
        both = dag.put({"a": node, "b": [other, node]}, name="both")
        assert both["b"][1].open().read() == b"one"
        dag.commit(both)
    assert repo.load("files").result["a"].open().read() == b"one"
    repo.load("files").result["b"][0].save(Path(repo.root) / "two")
    assert (Path(repo.root) / "two").read_bytes() == b"two"
    blob = repo.load("files").result["a"].value()
    assert blob == repo.load("files").both.value()["b"][1]
    again = pickle.loads(pickle.dumps(blob))  # noqa: S301  made here
    assert blob == again == Blob(blob.id, blob.size)
    assert {blob: 1}[Blob(blob.id, 3)] == 1
    assert repr(blob) == f"Blob('{blob.id}', 3)"
    assert blob != Blob(blob.id, 4)
    assert repo.open_blob(blob).readall() == b"one"
    with repo.new("again") as dag:
        assert dag.put(blob).open().read() == b"one"
        with pytest.raises(TypeError, match="not callable"):
            dag.put(blob)()
        dag.commit(dag.put([blob]))
    repo.gc()
    assert repo.fsck() == []


def test_blobs_that_are_not_here(repo: Dml, tmp_path: Path) -> None:
    with Dml.init(tmp_path / "other").new("files") as dag:
        blob = dag.put_file(io.BytesIO(b"elsewhere")).value()
        dag.commit(blob)
    with pytest.raises(DmlRepoError, match=f"blob {blob.id} cannot be read at byte 0 of 9"):
        repo.open_blob(blob)
    with repo.new("files") as dag:
        with pytest.raises(DmlRepoError, match="is not in this repository"):
            dag.put(blob)
        dag.commit(1)


def test_files_that_cannot_be_read(repo: Dml, tmp_path: Path) -> None:
    class Greedy:
        def read(self, size: int) -> bytes:
            return bytes(size + 1)

    class Raises:
        def read(self, size: int) -> bytes:
            text = f"no {size > 0}"
            raise KeyError(text)

    with repo.new("files") as dag:
        with pytest.raises(DmlRepoError, match="nothing-here"):
            dag.put_file(tmp_path / "nothing-here")
        with pytest.raises(DmlRepoError, match="folder"):
            dag.put_file(tmp_path)
        with pytest.raises(TypeError):
            dag.put_file(io.StringIO("text"))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="more bytes than were asked for"):
            dag.put_file(Greedy())
        with pytest.raises(KeyError, match="no True"):
            dag.put_file(Raises())
        dag.commit(dag.put_file(io.BytesIO(b"all the same")))
    assert repo.load("files").result.open().read() == b"all the same"


def test_a_function_takes_a_blob_and_returns_one(repo: Dml) -> None:
    @daggerml.funk
    def reversed_(dag: Any, data: Any, more: Any) -> Any:
        import io

        assert data.type == "blob"
        assert dag.argv[1].value()["blob"].size == 3
        with more["blob"].open() as file:
            tail = file.read()
        with data.open() as file:
            return dag.put_file(io.BytesIO(file.read()[::-1] + tail))

    data = content(CHUNK + 100)
    with repo.new("call") as dag:
        node = dag.put_file(io.BytesIO(data))
        result = dag.call(reversed_, node, {"blob": dag.put_file(io.BytesIO(b"abc"))})
        assert result.open().read() == data[::-1] + b"abc"
        dag.commit(result)
    repo.gc()
    assert repo.fsck() == []
    assert repo.load("call").result.size == len(data) + 3


def test_a_function_elsewhere_is_sent_the_blob_and_sends_its_own(
    repo: Dml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @daggerml.funk
    def all_of(dag: Any, data: Any) -> Any:
        return {"same": dag.put_file(data.open()), "size": data.size}

    # Adapters of other names do not share the repository.
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    command = f"{sys.executable},-m,daggerml.adapters.local"
    repo.config.set("adapters.allow", "away", user=True)
    repo.config.set("adapter.away.command", command, user=True)
    inner = all_of.runnable
    away = Runnable(inner.uri, kwargs=inner.kwargs, adapter="away")
    data = content(2 * CHUNK + 5)
    with repo.new("call") as dag:
        result = dag.call(away, dag.put_file(io.BytesIO(data)))
        assert result["same"].open().read() == data
        dag.commit(result)
    assert repo.load("call").result.value()["size"] == len(data)
    repo.gc()
    assert repo.fsck() == []


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured by POSIX")
def test_memory_does_not_grow_with_the_blob(tmp_path: Path) -> None:
    size = 384 << 20
    program = f"""
import os, resource, daggerml
with open("large", "wb") as file:
    file.truncate({size})
    for place in range(0, {size}, 1 << 20):
        os.pwrite(file.fileno(), place.to_bytes(8, "little"), place)
repo = daggerml.Dml.init("repo")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with repo.new("large") as dag:
    dag.commit(dag.put_file("large"))
node = repo.load("large").result
with node.open() as file:
    while file.read(8 << 20):
        pass
node.save("copy")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(run.stdout) * unit < 150 << 20
    assert (tmp_path / "copy").stat().st_size == size
    shutil.rmtree(tmp_path)  # pytest would keep its 800 MB
