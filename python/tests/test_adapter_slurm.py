"""The adapter for Slurm, as a program, on a real cluster of two nodes on this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("blake3")
if sys.platform != "linux":
    pytest.skip("looks into /proc", allow_module_level=True)

from by_hand import Adapter, call, outcome
from conftest import installed
from far_calls import begun, children, ended, gone, key_of, polled, runs, total, until, waits
from slurm_clusters import Slurm

from daggerml import Dml, NodeError, Runnable, Transient, funk
from daggerml.adapters.layers import URI, on
from daggerml.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "daggerml-adapter-slurm"


@funk
def hangs(dag: Any) -> Any:
    import time

    time.sleep(600)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    found = Slurm(tmp_path_factory.mktemp("slurm"))
    yield found
    found.stop()


@pytest.fixture
def slurm(cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """Gives the cluster; a test must leave neither jobs nor files of runs."""
    folder = tmp_path / "shared"
    monkeypatch.setenv("SLURM_CONF", str(cluster.config))
    monkeypatch.setenv("DAGGERML_SLURM_FOLDER", str(folder))
    yield cluster
    cluster.heal()


def left(folder: Path) -> list[str]:
    """Returns what is left of runs in a shared folder."""
    found = [each for name in ("jobs", "handed", "stopped", "batches")
             for each in (folder / "shared" / "test" / name).glob("*")]  # fmt: skip
    return sorted(str(each.relative_to(folder / "shared")) for each in found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Gives an empty folder for runs of `waits`."""
    found = tmp_path / "runs"
    found.mkdir()
    return found


@pytest.fixture
def adapter(slurm: Slurm) -> Iterator[Adapter]:
    with Adapter(installed(PROGRAM), "--patience", "4") as process:
        yield process


def test_it_is_registered() -> None:
    entries = distribution(PROGRAM).entry_points
    [entry] = [entry for entry in entries if entry.group == "daggerml.adapters"]
    assert entry.name == "slurm"
    assert callable(entry.load())
    with Adapter(installed(PROGRAM)) as process:
        assert process.ask("describe")["version"] == version(PROGRAM)


def test_a_machine_without_slurm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = installed(PROGRAM)
    monkeypatch.setenv("PATH", str(tmp_path))
    with Adapter(program) as process:
        error = process.invoke(total, 1)["error"]
        assert (error["kind"], error["transient"]) == ("no_slurm", False)
        assert "login node" in error["message"]


def test_calls_run_on_a_node_and_leave_nothing(adapter: Adapter, tmp_path: Path) -> None:
    answer = ended(adapter, adapter.invoke(total, 1, 2))
    assert outcome(answer) == 3
    assert answer["log"] == "inside\n"
    assert outcome(ended(adapter, adapter.invoke(total, "x")))["type"] == "TypeError"
    assert adapter.close() == ""
    assert left(tmp_path) == []


def test_options_reach_the_function(slurm: Slurm, tmp_path: Path) -> None:
    @funk
    def surroundings(dag: Any) -> Any:
        import os
        from pathlib import Path

        names = ("TZ", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER_NODE", "SLURM_JOB_PARTITION")
        temporary = Path(os.environ["TMPDIR"])
        return [os.environ[name] for name in names] + [str(Path.cwd()), temporary.is_dir()]

    zone = "UTC; $(id) `id` '\""
    place = tmp_path / "work"
    words = ["--partition", "urgent", "--cpus", "2", "--memory", "64MiB", "--workdir", str(place)]
    with Adapter(installed(PROGRAM), *words) as process:
        answer = ended(process, process.invoke(on("slurm", surroundings, env={"TZ": zone})))
        assert outcome(answer) == [zone, "2", "64", "urgent", str(place), True]


def test_calls_that_arrive_together_share_job_arrays(adapter: Adapter, slurm: Slurm) -> None:
    before = slurm.submissions()
    pending = [adapter.invoke(total, number, 7) for number in range(16)]
    assert [outcome(ended(adapter, each)) for each in pending] == list(range(7, 23))
    assert len(slurm.submissions() - before) <= 8  # one, on a machine that is not busy


def test_more_calls_than_an_array_takes(slurm: Slurm) -> None:
    before = slurm.submissions()
    with Adapter(installed(PROGRAM), "--group", "2") as process:
        pending = [process.invoke(total, number, 8) for number in range(50)]
        assert [outcome(ended(process, each)) for each in pending] == list(range(8, 58))
    assert 2 <= len(slurm.submissions() - before) <= 12


def test_calls_of_one_job_do_not_see_each_other(slurm: Slurm) -> None:
    @funk
    def surroundings(dag: Any, number: Any) -> Any:
        import os
        import tempfile
        from pathlib import Path

        found = [*(each.name for each in Path.cwd().iterdir()), os.environ.get("MINE")]
        Path(f"made-{number.value()}").touch()
        Path("folder").mkdir()
        os.environ["MINE"] = "set"
        return [found, os.environ["SLURM_ARRAY_TASK_ID"], tempfile.mkdtemp() != ""]

    with Adapter(installed(PROGRAM), "--group", "4") as process:
        pending = [process.invoke(surroundings, number) for number in range(4)]
        found = [outcome(ended(process, each)) for each in pending]
    assert found == [[[None], "0", True]] * 4


def test_a_python_without_daggerml_gets_it_once(slurm: Slurm, tmp_path: Path) -> None:
    @funk
    def found(dag: Any, number: Any) -> Any:
        import sys

        import daggerml

        return [sys.executable, daggerml.__file__]

    bare = f"{sys.base_prefix}/bin/python3"
    places = set()
    for number in range(2):
        with Adapter(installed(PROGRAM), "--python", bare) as process:
            answer = outcome(ended(process, process.invoke(found, number)))
            assert isinstance(answer, list), answer
            places.add(answer[1])
    [place] = places
    assert place.startswith(str(tmp_path / "shared" / "test" / "packages"))


def test_another_process_collects_the_result(slurm: Slurm, folder: Path, tmp_path: Path) -> None:
    program = installed(PROGRAM)
    with Adapter(program) as first:
        answer = begun(first, folder)
    # It was killed. The call runs on: by its token or by its key, there is one run.
    with Adapter(program) as second:
        assert second.invoke(waits, str(folder))["token"] == answer["token"]
        (folder / "go").touch()
        assert outcome(ended(second, answer)) == 1
        second.close()
    assert left(tmp_path) == []


def test_a_call_that_was_not_submitted_is_found_too(
    slurm: Slurm, folder: Path, tmp_path: Path
) -> None:
    (folder / "go").touch()
    with Adapter(installed(PROGRAM)) as first:
        answer = first.invoke(waits, str(folder))
        os.killpg(first.process.pid, signal.SIGKILL)  # before it could gather more calls
    assert [each for each in left(tmp_path) if "batches" in each] == []
    with Adapter(installed(PROGRAM)) as second:
        assert outcome(ended(second, answer)) == 1


def test_the_next_run_of_a_call_does_not_get_the_outcome_of_the_last(
    slurm: Slurm, folder: Path
) -> None:
    @funk
    def counted(dag: Any, folder: Any) -> Any:
        import pathlib

        import daggerml

        place = pathlib.Path(folder.value())
        (place / f"run-{len(list(place.iterdir()))}").touch()
        if len(list(place.iterdir())) == 1:
            raise daggerml.Transient("not now")
        return len(list(place.iterdir()))

    with Adapter(installed(PROGRAM)) as one, Adapter(installed(PROGRAM)) as two:
        found = [outcome(ended(each, each.invoke(counted, str(folder)))) for each in (one, two)]
    assert found[0]["type"] == Transient.__name__
    assert found[1] == 2


def test_cancel_stops_the_call_and_what_it_started(
    adapter: Adapter, slurm: Slurm, folder: Path, tmp_path: Path
) -> None:
    answer = begun(adapter, folder)
    assert adapter.ask("cancel", token=answer["token"])["state"] == "canceled"
    for pid in runs(folder)[0]:
        until(lambda pid=pid: gone(pid))
    until(lambda: slurm.jobs() == [])
    assert polled(adapter, answer)["error"]["kind"] == "unknown_token"
    assert adapter.ask("cancel", token=answer["token"])["state"] == "canceled"
    adapter.close()
    assert left(tmp_path) == []


def test_many_calls_are_stopped(adapter: Adapter, slurm: Slurm, tmp_path: Path) -> None:
    folders = [tmp_path / f"runs-{number}" for number in range(12)]
    for each in folders:
        each.mkdir()
    pending = [adapter.invoke(waits, str(each)) for each in folders]
    until(lambda: any(runs(each) for each in folders))
    for answer in pending:
        assert adapter.ask("cancel", token=answer["token"])["state"] == "canceled"
    until(lambda: slurm.jobs() == [])
    for pid in [pid for each in folders for run in runs(each) for pid in run]:
        until(lambda pid=pid: gone(pid))
    adapter.close()
    assert left(tmp_path) == []


def test_a_cluster_that_is_full(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    own = Slurm(tmp_path / "own", jobs=4)
    monkeypatch.setenv("SLURM_CONF", str(own.config))
    monkeypatch.setenv("DAGGERML_SLURM_FOLDER", str(tmp_path / "shared"))
    try:
        with Adapter(installed(PROGRAM)) as process:
            pending = [process.invoke(total, number, 6) for number in range(6)]
            answers = [ended(process, each, 120) for each in pending]
            assert [outcome(each) for each in answers] == list(range(6, 12))
    finally:
        own.stop()


def test_a_call_is_stopped_though_the_controller_was_away(
    slurm: Slurm, folder: Path, tmp_path: Path
) -> None:
    with Adapter(installed(PROGRAM)) as process:
        answer = begun(process, folder)
        slurm.halt("slurmctld")
        assert process.ask("cancel", token=answer["token"])["state"] == "canceled"
        # The task on its node finds out by itself.
        for pid in runs(folder)[0]:
            until(lambda pid=pid: gone(pid))
    slurm.start("slurmctld")
    until(lambda: slurm.jobs() == [])
    with Adapter(installed(PROGRAM)) as process:
        assert process.ask("poll", token=answer["token"])["error"]["kind"] == "unknown_token"
        process.close()
    assert left(tmp_path) == []


def test_a_controller_that_is_away_is_waited_for(slurm: Slurm, folder: Path) -> None:
    with Adapter(installed(PROGRAM), "--patience", "120") as process:
        answer = begun(process, folder)
        slurm.halt("slurmctld")
        time.sleep(1.5)  # so that states are asked for anew
        assert polled(process, answer)["state"] == "pending"
        (folder / "go").touch()
        answer = ended(process, answer)
        slurm.start("slurmctld")
        assert outcome(answer) == 1


def test_a_controller_that_forgot_everything(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    own = Slurm(tmp_path / "own")
    monkeypatch.setenv("SLURM_CONF", str(own.config))
    monkeypatch.setenv("DAGGERML_SLURM_FOLDER", str(tmp_path / "shared"))
    try:
        with Adapter(installed(PROGRAM)) as process:
            answer = begun(process, folder)
            own.halt("slurmctld")
            shutil.rmtree(own.folder / "state")
            (own.folder / "state").mkdir(mode=0o700)
            own.start("slurmctld")
            error = ended(process, answer)["error"]
            assert (error["kind"], error["transient"]) == ("job_lost", True)
            for pid in runs(folder)[0]:
                until(lambda pid=pid: gone(pid))
    finally:
        own.stop()


def test_a_job_that_is_killed_is_an_error_that_may_pass(adapter: Adapter, folder: Path) -> None:
    answer = begun(adapter, folder)
    [[function, child]] = runs(folder)
    task = int(Path(f"/proc/{function}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(task, signal.SIGKILL)
    error = ended(adapter, answer)["error"]
    assert (error["kind"], error["transient"]) == ("job_killed", True)
    until(lambda: gone(function) and gone(child))


def test_a_requeued_job_is_no_failure(adapter: Adapter, slurm: Slurm, folder: Path) -> None:
    answer = begun(adapter, folder)
    [job] = slurm.jobs()
    slurm.ask("scontrol", "requeue", job)
    for pid in runs(folder)[0]:
        until(lambda pid=pid: gone(pid))
    assert polled(adapter, answer)["state"] == "pending"
    # Slurm lets a requeued job wait for two minutes, so that its node has forgotten the first run.
    until(lambda: "Requeue" not in slurm.ask("squeue", "--noheader", "--format=%T"))
    until(lambda: "PENDING" in slurm.ask("squeue", "--noheader", "--format=%T"))
    slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now+4")
    until(lambda: len(runs(folder)) == 2)
    (folder / "go").touch()
    assert outcome(ended(adapter, answer)) == 2


def test_a_preempted_job_is_an_error_that_may_pass(slurm: Slurm, folder: Path) -> None:
    with Adapter(installed(PROGRAM), "--partition", "lent", "--cpus", "4") as process:
        answer = begun(process, folder)
        words = ["--partition=urgent", "--nodes=2", "--exclusive", "--wrap=true", "-o", "/dev/null"]
        slurm.ask("sbatch", *words)
        error = ended(process, answer)["error"]
        assert (error["kind"], error["transient"]) == ("preempted", True)


def test_time_is_limited(slurm: Slurm, folder: Path) -> None:
    with Adapter(installed(PROGRAM), "--time", "8s") as process:
        error = ended(process, begun(process, folder))["error"]
        assert (error["kind"], error["transient"]) == ("timeout", False)
        for pid in runs(folder)[0]:
            until(lambda pid=pid: gone(pid))


def test_a_held_job_is_told_of(adapter: Adapter, slurm: Slurm, folder: Path) -> None:
    with Adapter(installed(PROGRAM), "--cpus", "4") as other:
        pending = [other.invoke(waits, str(folder / "x"), number) for number in range(2)]
        until(lambda: len(slurm.ask("squeue", "-h", "-t", "running", "-o", "%i").split()) == 2)
    del pending
    slurm.ask("scontrol", "update", "NodeName=n1,n2", "State=DRAIN", "Reason=test")
    answer = adapter.invoke(total, 1, 99)
    try:
        until(lambda: slurm.ask("squeue", "-h", "-t", "pending", "-o", "%i") != "")
        [job] = slurm.ask("squeue", "-h", "--array", "-t", "pending", "-o", "%i").split()
        slurm.ask("scontrol", "hold", job)
        error = ended(adapter, answer)["error"]
        assert (error["kind"], error["transient"]) == ("held", False)
        assert f"scontrol release {job}" in error["message"]
    finally:
        slurm.ask("scontrol", "update", "NodeName=n1,n2", "State=RESUME")
        slurm.ask("scancel", "--me")


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["--partition", "none"], "refused", "invalid partition"),
        (["--gpus", "3"], "refused", "gres"),
        (["--memory", "1TiB"], "refused", "Memory specification"),
        (["--constraint", "moon"], "refused", "feature"),
        (["--partition", "short", "--time", "9m"], "refused", "PartitionTimeLimit"),
        (["--python", "/no/such/python"], "node_unfit", "/no/such/python"),
    ],
)
def test_what_slurm_cannot_do_is_told(
    slurm: Slurm, tmp_path: Path, words: list[str], kind: str, said: str
) -> None:
    with Adapter(installed(PROGRAM), *words, "--patience", "2") as process:
        error = ended(process, process.invoke(total, 1))["error"]
        assert (error["kind"], error["transient"]) == (kind, False)
        assert said in error["message"]
        process.close()
    assert left(tmp_path) == []


@pytest.mark.parametrize("kind", ["a link", "of everybody"])
def test_a_folder_that_is_not_private_is_refused(slurm: Slurm, tmp_path: Path, kind: str) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "mine").mkdir(mode=0o700)
    place = tmp_path / "shared" / "test"
    if kind == "a link":
        place.symlink_to(tmp_path / "mine")
    else:
        place.mkdir()
        place.chmod(0o777)
    with Adapter(installed(PROGRAM)) as process:
        error = process.invoke(total, 1)["error"]
        assert (error["kind"], "not a private folder" in error["message"]) == ("folder", True)
    assert list((tmp_path / "mine").iterdir()) == []


HOSTILE = ["-x", "--wrap=id", "a b", "a;id", "$(id)", "`id`", "a\nb", "", "a|b", "a/b", "\u0430",
           "a" * 300, "a,,b", "'a'", "a=b", "%j", "a\0b"[:1] + "\t"]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused_before_anything_starts(name: str) -> None:
    from daggerml_adapter_slurm import cluster

    with Adapter(installed(PROGRAM), f"--partition={name}") as process:
        log = process.close()
        assert process.process.returncode == 2
        assert "is not the name of a partition" in log
    for what in ("account", "qos"):
        with pytest.raises(InvalidError):
            cluster.checked_name(what, name)
    if name != "a|b":  # Slurm's own way to say a or b
        with pytest.raises(InvalidError):
            cluster.checked_name("constraint", name)
    if name != "a" * 300:  # only the file system knows how long a name may be
        with pytest.raises(InvalidError):
            cluster.checked_python(name)


@pytest.mark.parametrize(
    "option",
    ["--folder=/a%j", "--folder=/a\nb", "--folder=/a\\b", "--memory=1", "--memory=4GB",
     "--time=-1", "--time=1w", "--cpus=0", "--cpus=1.5", "--gpus=all", "--group=0", "--group=x",
     "--workdir=a", "--workdir=/a/../b", "--workdir=/a\nb", "--patience=x"],
)  # fmt: skip
def test_hostile_options_are_refused_before_anything_starts(option: str) -> None:
    with Adapter(installed(PROGRAM), option) as process:
        log = process.close()
        assert process.process.returncode == 2
        assert "error: " in log


def test_a_token_leads_nowhere_else(adapter: Adapter) -> None:
    name = f"{'0' * 64}-{'0' * 16}"
    for token in (f"other/{name}", f"test/../{name}", "test", name, "", f"test/{name}\n",
                  f"test/{name}x", "test/../../x-1"):  # fmt: skip
        assert adapter.ask("poll", token=token)["error"]["kind"] == "unknown_token", token
    assert adapter.ask("poll", token=f"test/{name}")["error"]["kind"] == "unknown_token"


def test_an_option_that_is_none_is_refused(adapter: Adapter) -> None:
    for wrong in ({"image": "x"}, {"partition": "main"}):
        error = adapter.invoke(on("slurm", total, **wrong))["error"]
        assert (error["kind"], error["transient"]) == ("invalid", False)
        assert "is no option of 'slurm'" in error["message"]


@pytest.mark.parametrize(
    "given", ["1; id", "$(id)", "--x", "1\n2", "a\0b", -1, 0, 1.5, True, ["1"]]
)
def test_hostile_options_of_a_runnable_are_refused(
    adapter: Adapter, slurm: Slurm, given: Any
) -> None:
    before = slurm.submissions()
    for kwargs in (
        {"gpus": given},
        {"env": {"A": given, "B": "a\0b"}},
        {"env": {f"A={given}": ""}},
    ):
        error = adapter.invoke(Runnable(URI, adapter="slurm", kwargs=kwargs, sub=total.runnable))
        assert error["error"]["kind"] == "invalid", kwargs
    assert slurm.submissions() == before


def test_an_inner_adapter_that_is_none(adapter: Adapter) -> None:
    for name in ("no-such", "x;id", "$(id)", "-x"):
        answer = adapter.invoke(on("slurm", Runnable(URI, adapter=name, sub=total.runnable)))
        assert ended(adapter, answer)["error"]["kind"] == "not_found"


def test_a_repository_gets_results_and_errors_of_nodes(slurm: Slurm, repo: Dml) -> None:
    before = slurm.submissions()
    there = on("slurm", total)
    with repo.new("far") as dag:
        found = dag.map(there, range(40), 10)
        assert [each.value() for each in found] == list(range(10, 50))
        with pytest.raises(NodeError):
            dag.call(there, "x")
        dag.commit(None)
    assert len(slurm.submissions() - before) <= 20
    assert len(repo.exec.list()) == 41
    with repo.new("again") as dag:
        dag.commit(dag.map(there, range(40), 10))
    assert len(repo.exec.list()) == 41


def test_calls_of_a_process_that_was_killed_are_not_run_twice(slurm: Slurm, folder: Path) -> None:
    with Adapter(installed(PROGRAM)) as process:
        begun(process, folder)
        for pid in children(process.process.pid):
            os.kill(pid, signal.SIGKILL)
        process.process.kill()
    with Adapter(installed(PROGRAM)) as process:
        answer = process.invoke(waits, str(folder))
        (folder / "go").touch()
        assert outcome(ended(process, answer)) == 1
    assert call(waits, str(folder))[0] == key_of(folder)


def test_a_container_in_a_job(
    slurm: Slurm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from images import found_engine

    engine = found_engine(tmp_path)
    monkeypatch.setenv("DAGGERML_CONTAINER_ENGINE", engine.program)
    monkeypatch.setenv("DAGGERML_CONTAINER_PYTHON", engine.python)
    with Adapter(installed(PROGRAM)) as process:
        there = on("slurm", on("container", total, image=engine.image))
        answer = ended(process, process.invoke(there, 1, 2))
        assert outcome(answer) == 3
        assert "inside" in answer["log"]
        forever = on("slurm", on("container", hangs, image=engine.image))
        answer = process.invoke(forever)
        until(lambda: engine.names([forever]))
        assert process.ask("cancel", token=answer["token"])["state"] == "canceled"
        until(lambda: engine.names([forever]) == [])
        assert engine.names([there, 1, 2]) == []


def test_a_login_node_that_ssh_reaches(
    slurm: Slurm, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ssh_servers import Server

    monkeypatch.setenv("DML_CONFIG_DIR", str(tmp_path / "settings"))
    (tmp_path / "ssh").mkdir()
    server = Server(tmp_path / "ssh", ("login",))
    server.say(
        PATH=os.environ["PATH"],
        SLURM_CONF=str(slurm.config),
        DAGGERML_SLURM_FOLDER=str(tmp_path / "shared"),
    )
    try:
        with Adapter(installed("daggerml-adapter-ssh"), *server.command()) as ssh:
            there = on("ssh", on("slurm", total))
            answer = ended(ssh, ssh.invoke(there, 1, 2))
            assert outcome(answer) == 3
            assert "inside" in answer["log"]
            far = on("ssh", on("slurm", waits))
            answer = ssh.invoke(far, str(folder))
            until(lambda: runs(folder) and len(runs(folder)[-1]) == 2)
            assert ssh.ask("cancel", token=answer["token"])["state"] == "canceled"
            for pid in runs(folder)[0]:
                until(lambda pid=pid: gone(pid))
            until(lambda: slurm.jobs() == [])
    finally:
        server.stop()
    until(lambda: left(tmp_path) == [])


def test_the_guide_does_what_it_says(slurm: Slurm, repo: Dml) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guide" / "slurm.md").read_text("utf-8")
    found = re.findall(
        r"```python skip=needs-slurm\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL
    )
    assert found
    program = Path(repo.root) / "guide.py"  # a funk's text is read from its file
    for block, said in found:
        program.write_text(block)
        made = subprocess.run(
            [sys.executable, program],
            cwd=repo.root,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (made.stdout, made.returncode) == (said, 0), made.stderr
