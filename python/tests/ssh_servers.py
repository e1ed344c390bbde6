"""An openssh server on loopback, with keys of its own, and hosts that lead to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


class Server:
    """A running sshd. `config` is for ssh; every host of it keeps its files apart."""

    def __init__(self, folder: Path, hosts: tuple[str, ...] = ("box1", "box2")) -> None:
        if SSHD is None or shutil.which("ssh") is None:
            pytest.skip("sshd or ssh is missing here")
        if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as root it wants an empty folder
        self.folder, self.hosts = folder, hosts
        for name in ("host", "user"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(words, check=True)
        (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
            f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
            f"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"PidFile none\nAcceptEnv *\nPermitRootLogin prohibit-password\nMaxStartups 100\n"
        )
        told = (folder / "host.pub").read_text().split()[:2]
        (folder / "known").write_text(f"[127.0.0.1]:{self.port} {' '.join(told)}\n")
        self.config = folder / "ssh_config"
        self.say()
        self.start()

    def say(self, **variables: str) -> None:
        """Writes the configuration of ssh; the variables are set on the hosts."""
        lines = []
        for host in self.hosts:
            given = {"XDG_CACHE_HOME": str(self.cache(host)), **variables}
            values = " ".join(f'"{name}={value}"' for name, value in given.items())
            lines += [
                f"Host {host}", "HostName 127.0.0.1", f"Port {self.port}",
                f"IdentityFile {self.folder}/user", "IdentitiesOnly yes",
                f"UserKnownHostsFile {self.folder}/known", f"SetEnv {values}",
            ]  # fmt: skip
        self.config.write_text("\n".join(lines) + "\n")

    def cache(self, host: str) -> Path:
        return self.folder / "of" / host

    def start(self) -> None:
        assert SSHD is not None
        words = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen(words, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "sshd.log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Ends the server; connections that stand are not ended by that."""
        self.process.kill()
        self.process.wait()

    def command(self, *more: str, python: str = sys.executable) -> list[str]:
        """Returns the options of the adapter for these hosts."""
        hosts = [word for host in self.hosts for word in ("--host", f"{host}:2")]
        return [*hosts, "--config", str(self.config), "--python", python, *more]

    def jobs(self, key: str) -> list[Path]:
        """Returns the folders of the jobs of a call that the hosts keep."""
        return sorted((self.folder / "of").glob(f"*/daggerml/hosts/*/jobs/{key}-*"))
