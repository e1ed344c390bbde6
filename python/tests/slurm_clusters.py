"""A Slurm cluster on this machine: munge, a controller and two nodes, in a folder of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")

#: The memory of each node, in MiB, and how many processors it says that it has.
MEMORY, PROCESSORS = 4000, 4


def _free_ports(number: int) -> list[int]:
    """Returns ports below those that connections get: a daemon that is killed takes its own."""
    found: list[int] = []
    while len(found) < number:
        port = 12000 + secrets.randbelow(18000)  # tests seed `random`
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Slurm:
    """A running cluster. `config` is what ``SLURM_CONF`` names."""

    NODES = ("n1", "n2")

    def __init__(self, folder: Path, *, array: int = 21, jobs: int = 10000) -> None:
        missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
        if missing:
            pytest.skip(f"Slurm is missing here: {', '.join(missing)}")
        self.folder = folder
        self.config = folder / "slurm.conf"
        for name in ("state", "munge"):
            (folder / name).mkdir(mode=0o700)
        (folder / "munge" / "key").write_bytes(os.urandom(128))
        (folder / "munge" / "key").chmod(0o400)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._configure(array, jobs)
        try:
            self.start("munged")
            until(lambda: (folder / "munge" / "socket").exists(), self._said)
            self.start("slurmctld")
            for node in self.NODES:
                self.start(node)
            until(lambda: self._idle() == len(self.NODES), self._said)
        except BaseException:
            self.stop()
            raise

    def _configure(self, array: int, jobs: int) -> None:
        controller, *ports = _free_ports(1 + len(self.NODES))
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True)
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={port} "
            f"CPUs={PROCESSORS} RealMemory={MEMORY}"
            for node, port in zip(self.NODES, ports)
        )
        at, name = self.folder, user.stdout.strip()
        self.config.write_text(f"""\
ClusterName=test
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={name}
SlurmdUser={name}
AuthType=auth/munge
AuthInfo=socket={at}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmctldPidFile={at}/slurmctld.pid
SlurmdPidFile={at}/slurmd-%n.pid
SlurmdSpoolDir={at}/spool-%n
StateSaveLocation={at}/state
SlurmctldLogFile={at}/slurmctld.log
SlurmdLogFile={at}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=20000,bf_interval=1
SchedulerType=sched/backfill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
RebootProgram=/bin/false
MailProg=/bin/false
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
KillWait=2
MinJobAge={300 if jobs > array else 2}
PriorityType=priority/basic
MaxArraySize={array}
MaxJobCount={jobs}
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=5
PartitionName=short Nodes=ALL MaxTime=1 State=UP PriorityTier=5
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=9
PartitionName=lent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=CANCEL
PartitionName=again Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE
""")

    def start(self, name: str) -> None:
        """Starts a daemon: ``munged``, ``slurmctld`` or a node."""
        at = self.folder
        if name == "munged":
            given = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
            words = [f"--{option}={at}/munge/{file}" for option, file in given.items()]
            words += ["--foreground", "--force", "--num-threads=1"]
        elif name == "slurmctld":
            words = ["-D", "-f", str(self.config)]
        else:
            (at / f"spool-{name}").mkdir(mode=0o755, exist_ok=True)
            words = ["-D", "-f", str(self.config), "-N", name]
        program = shutil.which("slurmd" if name in self.NODES else name, path=_PATH)
        assert program is not None
        with (at / f"{name}.said").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [program, *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "SLURM_CONF": str(self.config)},
            )

    def kill(self, name: str) -> None:
        """Kills a daemon, as if it had crashed."""
        self.processes[name].kill()
        self.processes[name].wait()

    def halt(self, name: str) -> None:
        """Ends a daemon. The controller writes down first what it knows of jobs."""
        self.processes[name].send_signal(signal.SIGTERM)
        self.processes[name].wait(timeout=30)

    def heal(self) -> None:
        """Waits until no job is there and all nodes are idle, also those that were drained."""
        until(lambda: self.jobs() == [], self._said)
        self.ask("scontrol", "update", f"NodeName={','.join(self.NODES)}", "State=RESUME")
        until(lambda: self._idle() == len(self.NODES), self._said)

    def ask(self, *words: str) -> str:
        """Runs a program of Slurm, and returns what it says."""
        environment = {**os.environ, "SLURM_CONF": str(self.config)}
        made = subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=False, env=environment
        )
        return made.stdout

    def jobs(self) -> list[str]:
        """Returns the jobs that wait or run."""
        return self.ask("squeue", "--noheader", "--array", "--format=%i").split()

    def submissions(self) -> set[str]:
        """Returns the numbers of all job arrays that the controller remembers."""
        told = self.ask("squeue", "--noheader", "--states=all", "--array", "--format=%F")
        return set(told.split())

    def _idle(self) -> int:
        return (
            self.ask("sinfo", "--noheader", "--Node", "-p", "main", "-o", "%t")
            .split()
            .count("idle")
        )

    def _said(self) -> str:
        return "\n".join(
            path.read_text(errors="replace")[-1500:] for path in self.folder.glob("*.said")
        )

    def stop(self) -> None:
        """Ends the cluster with all its jobs."""
        self.ask("scancel", "--me")
        with_jobs = time.monotonic() + 10
        while self.jobs() and time.monotonic() < with_jobs:
            time.sleep(0.1)
        for process in reversed(list(self.processes.values())):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(condition: object, said: object, seconds: float = 60) -> None:
    """Waits for a condition."""
    assert callable(condition)
    assert callable(said)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)
