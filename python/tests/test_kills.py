"""`kill -9` of callers, adapters, workers and functions at random moments.

`DML_KILL_ROUNDS` sets how many rounds there are (3), `DML_KILL_SEED` where the random
numbers start, `DML_KILL_VICTIMS` which of the victims are killed (`caller,adapter`), and
`DML_KILL_COUNTS` names a file that gets a line for each kill.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from daggerml import Dml, calls, funk
from daggerml.adapters.layers import on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clusters import Cluster

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

ROUNDS = int(os.environ.get("DML_KILL_ROUNDS", "3"))
MARK = "DML_TEST_KILLS"
CALLERS = 3


@funk
def leaf(dag: Any, n: Any) -> Any:
    import subprocess

    subprocess.run(["sleep", "0.03"], check=True)
    return n.value() * 2


@funk(prepop={"leaf": leaf})
def branch(dag: Any, n: Any) -> Any:
    return dag.leaf(n.value()).value() + dag.leaf(n.value() + 1).value()


@funk
def short(dag: Any, n: Any) -> Any:
    return n.value() + 1


far_leaf = leaf.options(adapter="dask")


@funk(adapter="dask", prepop={"leaf": far_leaf})
def far_branch(dag: Any, n: Any) -> Any:
    return dag.leaf(n.value()).value() + dag.leaf(n.value() + 1).value()


@funk
def still(dag: Any, n: Any) -> Any:
    import time

    time.sleep(0.03)
    return n.value() * 2


@funk(prepop={"leaf": still})
def boxed_branch(dag: Any, n: Any) -> Any:
    return dag.leaf(n.value()).value() + dag.leaf(n.value() + 1).value()


KINDS: dict[str, Any] = {
    "local": branch,
    "dask": far_branch,
    "ssh": branch.options(adapter="place"),  # what the user's settings call so
    "slurm": branch.options(adapter="place"),
    "container": on("place", boxed_branch, image=os.environ.get("DML_TEST_IMAGE")),
}

#: What is killed of each kind, and the words in the command lines of its processes.
VICTIMS = {
    "local": {"caller": "", "adapter": "daggerml.adapters.local"},
    "dask": {"caller": "", "adapter": "daggerml_adapter_dask.cli", "worker": ""},
    "ssh": {
        "caller": "",
        "adapter": "daggerml-adapter-ssh",
        "connection": "BatchMode",
        "job": "daggerml.adapters.job",
    },
    "slurm": {"caller": "", "adapter": "daggerml-adapter-slurm", "node": "", "job": "task.py"},
    "container": {"caller": "", "adapter": "daggerml-adapter-container", "client": "--read-only"},
}


def make_calls(root: str, name: str, first: int, kind: str) -> None:
    """Makes the calls of a round, in an order of this process's own."""
    order = [first, first + 1, first + 2]
    random.shuffle(order)
    with Dml.open(root).new(f"{name}-{os.getpid()}") as dag:
        for n in order:
            assert dag.call(KINDS[kind], n).value() == 4 * n + 2
        dag.commit(order)


CALLER = """
import sys, test_kills
test_kills.make_calls(sys.argv[1], "caller", int(sys.argv[2]), sys.argv[3])
"""


MAPPER = """
import sys, test_kills
test_kills.map_calls(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
"""


def map_calls(root: str, first: int, adapter: str = "local") -> None:
    """Maps a short function over many numbers."""
    with Dml.open(root).new(f"map-{os.getpid()}") as dag:
        nodes = dag.map(short.options(adapter=adapter), range(first, first + 300))
        assert [node.value() for node in nodes] == [*range(first + 1, first + 301)]
        dag.commit(nodes)


class Processes:
    """What a test starts, and all that comes of it: told by a variable of the environment."""

    def __init__(self) -> None:
        self.mark = f"{MARK}={uuid.uuid4().hex}"
        name, _, value = self.mark.partition("=")
        self.environment = {**os.environ, name: value, "PYTHONPATH": str(Path(__file__).parent)}

    def alive(self, words: str = "") -> list[int]:
        """Returns those that run, and have the words in their command."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                ours = self.mark.encode() in (folder / "environ").read_bytes()
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, ValueError):
                continue
            if ours and state != "Z" and words in command:
                found.append(int(folder.name))
        return found


@pytest.fixture
def processes() -> Processes:
    return Processes()


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> Iterator[Cluster]:
    pytest.importorskip("distributed")
    from clusters import Cluster

    found = Cluster(folder=tmp_path)
    processes.environment["DAGGERML_DASK_SCHEDULER"] = found.address
    monkeypatch.setenv("DAGGERML_DASK_SCHEDULER", found.address)
    yield found
    found.close()


def kill_around(repo: Dml, processes: Processes, kind: str, cluster: Any = None) -> None:
    """Runs rounds of calls and kills; every call ends right, if not at once then when repeated."""
    chance = random.Random(int(os.environ.get("DML_KILL_SEED", "1")))  # noqa: S311
    victims = wanted(VICTIMS[kind])
    for number in range(ROUNDS):
        first = number * 10
        callers = [
            subprocess.Popen(
                [sys.executable, "-c", CALLER, repo.root, str(first), kind],
                env=processes.environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(CALLERS)
        ]
        killed = set()
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.random() * 1.2)
            victim = chance.choice(victims)
            if victim in {"worker", "node"}:
                killed_server(cluster, chance)
                count(kind, victim)
                continue
            if victim == "caller":
                killed.add(chance.choice(callers).pid)
            words = VICTIMS[kind][victim]
            pids = appeared(processes, words) if words else list(killed)
            if pids and pids[-1] in processes.alive() and killed_now(pids[-1]):
                count(kind, victim)
        for caller in callers:
            _, told = ended(caller)
            assert caller.returncode == 0 or caller.pid in killed, f"round {number}: {told}"
        make_calls(repo.root, "again", first, kind)
    assert repo.fsck() == []
    assert [each for each in repo.exec.list() if each.finished is None] == []


def killed_now(pid: int) -> bool:
    """Kills a process. Returns whether it was still there: many end by themselves."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Waits for the end of what calls; kills it if it hangs, so that it does not go on alone."""
    try:
        return process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def wanted(victims: Iterable[str]) -> list[str]:
    """Returns those of the victims that are to be killed."""
    names = os.environ.get("DML_KILL_VICTIMS", "").split(",")
    return [victim for victim in victims if victim in names] or [*victims]


def appeared(processes: Processes, words: str) -> list[int]:
    """Returns the processes with the words; on a busy machine they come late."""
    until = time.monotonic() + 3
    while not (found := processes.alive(words)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def killed_server(cluster: Any, chance: random.Random) -> None:
    """Kills a worker of Dask or the daemon of a node of Slurm, and starts it again."""
    if hasattr(cluster, "NODES"):
        node = chance.choice(cluster.NODES)
        cluster.kill(node)
        cluster.start(node)
        return
    at = chance.randrange(len(cluster.workers))
    cluster.workers[at].kill()
    cluster.workers[at].wait()
    cluster.workers[at] = cluster.start_worker()


def count(kind: str, victim: str) -> None:
    """Notes a kill in the file that somebody named."""
    if counts := os.environ.get("DML_KILL_COUNTS"):
        with Path(counts).open("a") as file:
            file.write(f"{kind} {victim}\n")


def no_orphans(processes: Processes) -> None:
    until = time.monotonic() + 60
    while left := processes.alive():
        assert time.monotonic() < until, left
        time.sleep(0.05)


def test_on_this_machine(repo: Dml, processes: Processes) -> None:
    kill_around(repo, processes, "local")
    calls.release(repo.root)
    no_orphans(processes)


def test_maps_on_this_machine(repo: Dml, processes: Processes) -> None:
    """A map's transactions are shared and its calls claimed ahead: a kill loses none of them."""
    repo.config.set("adapter.local.processes", "2")
    chance = random.Random(int(os.environ.get("DML_KILL_SEED", "1")))  # noqa: S311
    for number in range(ROUNDS):
        first = number * 100
        mapper = subprocess.Popen(
            [sys.executable, "-c", MAPPER, repo.root, str(first)],
            env=processes.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(0.2 + 0.5 * chance.random())
        mapper.kill()
        mapper.communicate()
        count("map", "caller")
        with repo.new(f"again-{number}") as dag:
            nodes = dag.map(short, range(first, first + 300))
            assert [node.value() for node in nodes] == [*range(first + 1, first + 301)]
            dag.commit(nodes)
    assert [it.key for it in repo.exec.list() if it.finished is None] == []
    assert repo.fsck() == []
    calls.release(repo.root)
    no_orphans(processes)


def test_on_a_cluster(repo: Dml, processes: Processes, cluster: Cluster) -> None:
    kill_around(repo, processes, "dask", cluster)
    calls.release(repo.root)
    no_orphans(processes)


def test_maps_on_a_cluster(repo: Dml, processes: Processes, cluster: Cluster) -> None:
    """Whatever is killed, a map ends in its results, or is right when it is made again."""
    chance = random.Random(int(os.environ.get("DML_KILL_SEED", "1")))  # noqa: S311
    victims = wanted(["caller", "adapter", "worker", "scheduler"])
    for number in range(ROUNDS):
        first = number * 1000
        mapper = subprocess.Popen(
            [sys.executable, "-c", MAPPER, repo.root, str(first), "dask"],
            env=processes.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        killed = set()
        for _ in range(chance.randint(1, 3)):
            time.sleep(0.3 + 1.5 * chance.random())
            victim = chance.choice(victims)
            if victim == "worker":
                killed_server(cluster, chance)
            elif victim == "scheduler":
                cluster.restart()
            elif victim == "caller":
                mapper.kill()
            elif pids := processes.alive(VICTIMS["dask"]["adapter"]):
                killed_now(pids[-1])
            killed.add(victim)
            count("far map", victim)
        _, told = ended(mapper)
        # A scheduler may be away for longer than calls are tried again.
        clear = "scheduler" in killed and "BadExecutionStatusError: the adapter dask" in told
        good = mapper.returncode == 0 or "caller" in killed or clear
        assert good, f"round {number}, {killed}: {told}"
        map_calls(repo.root, first, "dask")
    assert [it.key for it in repo.exec.list() if it.finished is None] == []
    assert repo.fsck() == []
    calls.release(repo.root)
    no_orphans(processes)


def test_by_ssh(
    repo: Dml, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conftest import installed
    from ssh_servers import Server

    (tmp_path / "ssh").mkdir()
    server = Server(tmp_path / "ssh")
    name, _, value = processes.mark.partition("=")
    server.say(**{name: value})
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    processes.environment["DML_CONFIG_DIR"] = str(tmp_path / "settings")
    command = ",".join([installed("daggerml-adapter-ssh"), *server.command()])
    repo.config.set("adapters.allow", "place", user=True)
    repo.config.set("adapter.place.command", command, user=True)
    try:
        kill_around(repo, processes, "ssh")
        calls.release(repo.root)
        no_orphans(processes)
    finally:
        server.stop()


def test_on_slurm(
    repo: Dml, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conftest import installed
    from slurm_clusters import Slurm

    (tmp_path / "slurm").mkdir()
    cluster = Slurm(tmp_path / "slurm")
    variables = {"SLURM_CONF": cluster.config, "DML_CONFIG_DIR": tmp_path / "settings"}
    for name, path in variables.items():
        monkeypatch.setenv(name, str(path))
        processes.environment[name] = str(path)
    shared = tmp_path / "shared"
    command = f"{installed('daggerml-adapter-slurm')},--folder,{shared}"
    repo.config.set("adapters.allow", "place", user=True)
    repo.config.set("adapter.place.command", command, user=True)
    try:
        kill_around(repo, processes, "slurm", cluster)
        calls.release(repo.root)
        cluster.heal()
        no_orphans(processes)
    finally:
        cluster.stop()


def test_in_containers(
    repo: Dml, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from conftest import installed
    from images import found_engine

    engine = found_engine(tmp_path)
    image = on("place", boxed_branch, image=engine.image)
    monkeypatch.setitem(KINDS, "container", image)
    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    settings = {"DML_CONFIG_DIR": str(tmp_path / "settings"), "DML_TEST_IMAGE": engine.image}
    settings["CONTAINERS_CONF"] = os.environ.get("CONTAINERS_CONF", "")
    processes.environment.update(settings)
    program = installed("daggerml-adapter-container")
    words = [program, "--engine", engine.program, "--python", engine.python]
    repo.config.set("adapters.allow", "place", user=True)
    repo.config.set("adapter.place.command", ",".join(words), user=True)
    kill_around(repo, processes, "container")
    calls.release(repo.root)
    no_orphans(processes)
    until = time.monotonic() + 60
    made = [[image, n] for n in range(10 * ROUNDS)]
    while engine.names(*made):
        assert time.monotonic() < until, engine.names(*made)
        time.sleep(0.1)
