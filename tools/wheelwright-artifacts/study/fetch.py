"""Download the artifacts of the audit study with pip; see docs/audit-study.md.

    python tools/wheelwright-artifacts/study/fetch.py FOLDER

Some 270 wheels and 50 sdists of well-known projects, several platforms each.
A file that the index does not have is skipped and said so.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

LINUX = ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"]
PLATFORMS = {
    "linux": LINUX,
    "linux-arm": [tag.replace("x86_64", "aarch64") for tag in LINUX],
    "musl": ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"],
    "macos-arm": [
        "macosx_14_0_arm64",
        "macosx_12_0_arm64",
        "macosx_11_0_arm64",
        "macosx_11_0_universal2",
    ],
    "macos-intel": [
        "macosx_10_15_x86_64",
        "macosx_10_13_x86_64",
        "macosx_10_12_x86_64",
        "macosx_10_9_x86_64",
    ],
    "windows": ["win_amd64"],
}
EVERYWHERE = ["cryptography", "pydantic-core", "orjson", "pyyaml", "markupsafe", "msgpack"]
SOME = {
    "numpy": ["linux", "macos-arm", "windows"],
    "tokenizers": ["linux", "musl", "macos-arm", "windows"],
    "ruff": ["linux", "musl", "windows"],
    "uv": ["linux", "macos-arm", "windows"],
    "lxml": ["linux", "macos-arm", "windows"],
    "psycopg-binary": ["linux", "macos-arm", "windows"],
    "protobuf": ["linux", "macos-arm", "windows"],
    "grpcio": ["linux", "macos-arm", "windows"],
    "pillow": ["linux", "musl", "macos-arm", "windows"],
    "cffi": ["linux", "linux-arm", "windows"],
    "bcrypt": ["linux", "musl", "macos-arm", "windows"],
    "rpds-py": ["linux", "macos-arm", "windows"],
    "watchfiles": ["linux", "windows"],
    "aiohttp": ["linux", "macos-arm", "windows"],
    "regex": ["linux", "macos-intel"],
    "psutil": ["linux", "macos-arm", "windows"],
    "pyzmq": ["linux", "macos-arm"],
    "safetensors": ["linux", "macos-arm", "windows"],
    "polars-runtime-32": ["linux"],
    "nh3": ["linux", "windows"],
    "pynacl": ["linux", "macos-arm"],
    "ujson": ["linux", "windows"],
    "zstandard": ["linux", "macos-arm"],
    "duckdb": ["linux"],
    "jiter": ["linux", "musl", "macos-arm", "windows"],
    "pandas": ["linux", "windows"],
    "scikit-learn": ["linux"],
    "matplotlib": ["linux", "windows"],
    "kiwisolver": ["linux", "musl", "macos-arm", "windows"],
    "contourpy": ["linux", "macos-arm", "windows"],
    "fonttools": ["linux", "windows"],
    "mypy": ["linux", "windows"],
    "coverage": ["linux", "musl", "macos-arm", "windows"],
    "greenlet": ["linux", "musl", "macos-arm", "windows"],
    "sqlalchemy": ["linux", "macos-arm", "windows"],
    "wrapt": ["linux", "linux-arm", "musl", "macos-arm", "windows"],
    "frozenlist": ["linux", "linux-arm", "musl", "macos-arm", "windows"],
    "multidict": ["linux", "linux-arm", "musl", "macos-arm", "windows"],
    "yarl": ["linux", "musl", "macos-arm", "windows"],
    "propcache": ["linux", "musl", "macos-arm", "windows"],
    "charset-normalizer": ["linux", "musl", "macos-arm", "windows"],
    "tomli": ["linux", "musl", "macos-arm", "windows"],
    "tiktoken": ["linux", "macos-arm", "windows"],
    "sentencepiece": ["linux", "windows"],
    "maturin": ["linux", "musl", "windows"],
    "ninja": ["linux", "musl", "windows"],
    "lz4": ["linux", "macos-arm", "windows"],
    "brotli": ["linux", "musl", "windows"],
    "shapely": ["linux", "musl", "windows"],
    "gevent": ["linux", "macos-arm", "windows"],
    "httptools": ["linux", "musl", "macos-arm", "windows"],
    "uvloop": ["linux", "musl", "macos-arm"],
    "websockets": ["linux", "musl", "macos-arm", "windows"],
    "hiredis": ["linux", "musl", "macos-arm", "windows"],
    "debugpy": ["linux", "windows"],
    "tornado": ["linux", "musl", "macos-arm", "windows"],
    "pywin32": ["windows"],
    "blake3": ["linux", "musl", "macos-arm", "windows"],
    "cbor2": ["linux", "musl", "windows"],
    "xxhash": ["linux", "musl", "macos-arm", "windows"],
}
PURE = [
    "requests",
    "click",
    "attrs",
    "rich",
    "setuptools",
    "pip",
    "wheel",
    "packaging",
    "jinja2",
    "flask",
    "httpx",
    "idna",
    "urllib3",
    "certifi",
    "typing-extensions",
    "daggerml",
    "boto3",
    "s3transfer",
    "six",
    "python-dateutil",
    "pytz",
    "jmespath",
    "pytest",
    "pluggy",
    "iniconfig",
    "docutils",
    "pygments",
    "pydantic",
    "annotated-types",
    "anyio",
    "sniffio",
    "h11",
    "httpcore",
    "starlette",
    "fastapi",
    "uvicorn",
    "werkzeug",
    "itsdangerous",
    "django",
    "redis",
    "tqdm",
    "filelock",
    "virtualenv",
    "platformdirs",
    "distlib",
    "importlib-metadata",
    "zipp",
    "google-auth",
    "googleapis-common-protos",
    "pyasn1",
    "rsa",
    "cachetools",
    "oauthlib",
    "black",
    "hatchling",
    "jsonschema",
    "poetry-core",
    "flit-core",
    "pdm-backend",
    "twine",
    "sphinx",
    "colorama",
    "pyparsing",
    "networkx",
    "sympy",
]
# pip asks the build backend of what it downloads as source for its metadata, so
# these are projects whose backends are pure Python.
SDISTS = [
    "requests",
    "click",
    "attrs",
    "rich",
    "packaging",
    "idna",
    "urllib3",
    "certifi",
    "typing-extensions",
    "pyyaml",
    "markupsafe",
    "flask",
    "jinja2",
    "httpx",
    "psutil",
    "msgpack",
    "regex",
    "tomli",
    "pluggy",
    "iniconfig",
    "six",
    "python-dateutil",
    "pytz",
    "pygments",
    "anyio",
    "h11",
    "httpcore",
    "starlette",
    "fastapi",
    "uvicorn",
    "werkzeug",
    "itsdangerous",
    "tqdm",
    "filelock",
    "platformdirs",
    "importlib-metadata",
    "zipp",
    "cachetools",
    "jsonschema",
    "poetry-core",
    "flit-core",
    "pdm-backend",
    "hatchling",
    "colorama",
    "pyparsing",
    "networkx",
    "wrapt",
    "frozenlist",
    "multidict",
]


def pip(folder: Path, *arguments: str) -> str:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--dest",
        str(folder),
    ]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def wheel(folder: Path, name: str, platform: str) -> str:
    tags = [part for tag in PLATFORMS[platform] for part in ("--platform", tag)]
    return pip(folder, "--only-binary", ":all:", "--python-version", "3.12", *tags, name)


def sdist(folder: Path, name: str) -> str:
    return pip(folder, "--no-binary", name, name)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(wheel, name, platform) for name in EVERYWHERE for platform in PLATFORMS]
    jobs += [(wheel, name, platform) for name, platforms in SOME.items() for platform in platforms]
    jobs += [(wheel, name, "linux") for name in PURE]
    with ThreadPoolExecutor(4) as pool:
        for job, error in zip(jobs, pool.map(lambda j: j[0](folder, *j[1:]), jobs)):
            if error:
                print(f"skipped {job[1]} for {job[2]}: {error}", file=sys.stderr)
        for name, error in zip(SDISTS, pool.map(lambda n: sdist(folder, n), SDISTS)):
            if error:
                print(f"skipped sdist of {name}: {error}", file=sys.stderr)
    files = sorted(folder.iterdir())
    print(f"{len(files)} files, {sum(f.stat().st_size for f in files) / 1e6:.0f} MB in {folder}")


if __name__ == "__main__":
    main()
