"""A program for daggerml 0.1: makes a repository, and prints what it holds.

``python released_repository.py FOLDER [LIB]``, with moto in the place of S3, which 0.1 needs to
write. The result is JSON: the DAGs of each branch, the DAG of a call, and the commits. LIB is a
folder with another 0.1, which is used then; calls, which run a program of 0.1, are left out.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from importlib import metadata
from typing import Any


def plain(value: Any) -> Any:
    """Returns a value as JSON has it; the same function is used for both sides."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "kwargs"):
        sub = None if value.sub is None else plain(value.sub)
        return ["runnable", plain(value.target), value.adapter, plain(value.kwargs), sub]
    if hasattr(value, "uri"):
        return ["uri", value.uri if ":" in value.uri else f"daggerml-0.1:{value.uri}"]
    return value


def held(dag: Any) -> dict[str, Any]:
    """Returns the names, the tags and the outcome of a DAG."""
    names = {name: plain(dag[name].value()) for name in dag.keys()}  # noqa: SIM118
    try:
        outcome = ["result", plain(dag.result.value())]
    except Exception as error:  # noqa: BLE001  whatever it ended in
        outcome = ["error", error.message]  # type: ignore[attr-defined]
    return {"names": names, "tags": list(dag.tags), "outcome": outcome}


def make(dml: Any, repo: Any) -> None:
    """Makes commits on two branches, with every kind of node."""
    with dml.new("a", message="first", dml=repo, tags=["t"]) as dag:
        uri = dml.Uri("s3://bucket/key")
        xs = dag.put([1, -5, 2**40, 2.5, "x", None, True, {"k": uri}], name="xs")
        dag.put({"xs": xs, "y": xs[0]}, name="m")
        dag.put(xs.conj(7), name="longer")
        dag.put(xs[1:3], name="slice")
        dag.put(dml.Runnable(dml.Uri("a:b"), None, {"n": 1}, "local"), name="run")
        dag.commit(xs[1])
    with dml.new("b", message="second", dml=repo) as dag:
        dag.commit([dag.require("a", "xs", name="z"), 7])
    try:
        with dml.new("bad", message="fails", dml=repo) as dag:
            dag.put(1, name="one")
            _ = 1 / 0
    except ZeroDivisionError:
        pass
    repo.branch.create("trial")
    repo.checkout("trial")
    with dml.new("t", message="on trial", dml=repo) as dag:
        dag.commit("t")
    repo.checkout("main")
    with dml.new("a", message="again", dml=repo) as dag:
        dag.commit(5)


def call(dml: Any, repo: Any) -> None:
    """Makes a DAG with a call of a funk, which 0.1 runs."""
    from daggerml.contrib import api

    @api.funkify
    def total(dag, xs):  # type: ignore[no-untyped-def]  # its worker lacks what types name
        dag.put("inside", name="note")
        return sum(xs.value())

    dml.set_default_dml(repo)
    with dml.new("f", message="a call", dml=repo) as dag:
        dag.commit(dag.put(total, name="total")([1, 2, 3], name="six"))


def called(dag: Any) -> dict[str, Any]:
    """Returns what the DAG of the call holds, and its arguments."""
    inside = dag["six"].context()
    return {**held(inside), "argv": plain(inside.argv.value())}


def main() -> None:
    """Makes it, and tell of it."""
    whole = len(sys.argv) == 2
    if not whole:
        sys.path.insert(0, sys.argv[2])
    from moto.server import ThreadedMotoServer  # type: ignore[import-not-found, unused-ignore]

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in [name for name in os.environ if name.startswith(("AWS_", "DML_"))]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=f"http://{host}:{port}",
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        DML_REMOTE_ROOT="s3://bucket/root",
        DML_CONFIG_HOME=f"{sys.argv[1]}-settings",
    )
    import boto3  # type: ignore[import-not-found, unused-ignore]

    boto3.client("s3").create_bucket(Bucket="bucket")
    import daggerml as dml

    repo: Any = dml.Dml.init(sys.argv[1], user="tester")
    make(dml, repo)
    inside = None
    if whole:
        # The program that runs a funk is beside this Python.
        os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        call(dml, repo)
        inside = called(dml.load("f", dml=repo))
    repo.tag.create("v1")
    branches = {}
    for branch in ("main", "trial"):
        repo.checkout(branch)
        names = repo.show()["dags"]
        branches[branch] = {name: held(dml.load(name, dml=repo)) for name in names}
    repo.checkout("main")
    keys = ("author", "message", "created")
    log = [[entry[key] for key in keys] for entry in repo.log(limit=100)["commits"]]
    opened = dml.new("open", dml=repo)
    opened.put(3, name="three")
    server.stop()
    told = {"branches": branches, "inside": inside, "log": log}
    print(json.dumps({"version": metadata.version("daggerml"), **told}))


if __name__ == "__main__":
    main()
