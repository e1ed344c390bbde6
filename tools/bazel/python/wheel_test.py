"""Run python/tests against built wheels, as `cargo checks pytest` does.

The wheels are unpacked into a fresh virtual environment, so that what is tested
is what is shipped: nothing of the source tree is on the search path.
"""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

# As pip writes it. A process that the program spawns imports it, and must not
# run it again: hence the condition.
LAUNCHER = """#!{python}
import sys
from {module} import {function}
if __name__ == "__main__":
    sys.exit({function}())
"""


def install(wheel: Path, site: Path, programs: Path, python: Path) -> None:
    """Unpack a wheel and write its console scripts."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
        [points] = [n for n in archive.namelist() if n.endswith("entry_points.txt")] or [None]
        if points is None:
            return
        parser = configparser.ConfigParser()
        parser.read_string(archive.read(points).decode())
    for name, target in parser["console_scripts"].items():
        module, function = target.split(":")
        program = programs / name
        program.write_text(LAUNCHER.format(python=python, module=module, function=function))
        program.chmod(0o755)


def main(arguments: list[str]) -> int:
    """Install the wheels among the arguments; give the others to pytest."""
    wheels = [Path(a).resolve() for a in arguments if a.endswith(".whl")]
    others = [a for a in arguments if not a.endswith(".whl")]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "venv"
        venv.EnvBuilder(symlinks=True, with_pip=False).create(home)
        programs = home / "bin"
        python = programs / "python"
        [site] = (home / "lib").glob("python*/site-packages")
        for wheel in wheels:
            install(wheel, site, programs, python)
        # pytest and what else the tests import, from this test's own runfiles.
        tools = [p for p in sys.path if p.endswith("site-packages") and "venv" not in p]
        (site / "tools.pth").write_text("\n".join(tools))
        # A home to write into, which the sandbox's is not: IPython wants one.
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", HOME=folder)
        environment.pop("PYTHONPATH", None)
        native = environment.get("DML_NATIVE")
        if native:
            environment["DML_NATIVE"] = str(Path(native).resolve())
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *others]
        return subprocess.run(command, check=False, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
