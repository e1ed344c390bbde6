"""Runs the code blocks of a page of documentation, as docs/guide/blocks.md says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: How many seconds one command or block may take.
LIMIT = 300

#: Ends the output of each command in the shell.
END = "--end-of-command--"

#: The program of a page's interpreter.
DRIVER = (Path(__file__).parent / "driver.py").read_text(encoding="utf-8")

SKIP, FILE, EXIT, OUTPUT = "skip", "file", "exit", "output"


class WrongError(Exception):
    """A page, or what its blocks do, is not as it should be; names the line."""

    def __init__(self, line: int, what: str) -> None:
        """Say what is wrong with a line."""
        super().__init__(f"line {line}: {what}")


class Block(NamedTuple):
    """A fenced block of a page."""

    line: int  # of its opening fence, from 1
    language: str
    flags: dict[str, str]
    text: str
    output: str = ""  # what a Python block prints


class Command(NamedTuple):
    """A command of a console block."""

    line: int
    text: str
    output: str


def parse(page: str) -> list[Block]:
    """Returns the blocks of a page that ask for something."""
    found: list[Block] = []
    lines = page.split("\n")
    for token in MarkdownIt("commonmark").parse(page):
        if token.type != "fence" or not token.map:
            continue
        start, end = token.map
        if end - start == 1 or not lines[end - 1].lstrip("> ").startswith(token.markup):
            raise WrongError(start + 1, "the block is never closed")
        language, *flags = token.info.split() or [""]
        pairs = (flag.partition("=") for flag in flags)
        block = Block(start + 1, language, {k: v for k, _, v in pairs}, token.content)
        if OUTPUT in block.flags:
            before = found.pop() if found else block
            if before.language != "python" or before.output or {SKIP, FILE} & {*before.flags}:
                raise WrongError(block.line, "`output` follows no Python block")
            found.append(before._replace(output=block.text))
        elif asks(block):
            found.append(block)
    return found


def asks(block: Block) -> bool:
    """Returns whether a block asks for something, and refuses what it must not ask for."""
    runs = block.language in {"console", "python", "pycon"}
    unknown = sorted({*block.flags} - {SKIP, FILE, EXIT, OUTPUT})
    if runs and unknown:
        raise WrongError(block.line, f"no flag is called `{unknown[0]}`")
    if block.flags.get(SKIP) == "":
        raise WrongError(block.line, "`skip` needs a reason: skip=WHY")
    if not block.flags.get(EXIT, "0").isdigit():
        raise WrongError(block.line, "`exit` is a number")
    if SKIP in block.flags or FILE in block.flags:
        return True
    if block.language in {"sh", "bash", "shell", "shell-session", "py", "python3"}:
        what = f"write `{block.language}` blocks as `console` or `python`"
        raise WrongError(block.line, what)
    return runs


def commands(block: Block) -> list[Command]:
    """Reads commands: `$ ` begins one, `> ` continues it, other lines are its output."""
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], ""))
        elif not found:
            raise WrongError(number, "a console block begins with `$ `")
        elif line.startswith("> ") and not found[-1].output:
            found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line[2:]}")
        else:
            found[-1] = found[-1]._replace(output=f"{found[-1].output}{line}\n")
    return found


def same(said: str, printed: str) -> bool:
    """Returns whether the output is what the page says.

    `...` stands for any text within a line; alone on a line, for any number of lines.
    Space at line ends and blank lines at the very end do not count.
    """
    said, printed = (
        "".join(f"{line.rstrip()}\n" for line in text.rstrip().split("\n")) if text.strip() else ""
        for text in (said, printed)
    )
    pattern = "".join(
        "(?:.*\n)*" if line == "...\n" else ".*".join(map(re.escape, line.split("...")))
        for line in said.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, printed) is not None


class Pipe:
    """A process that is sent lines and answers with lines."""

    def __init__(self, program: list[str], folder: str, env: Mapping[str, str]) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            program,
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )

    def ask(self, line: str) -> Iterator[str]:
        """Sends a line, and yields the lines that are printed after it."""
        assert self.process.stdin
        assert self.process.stdout
        timer = threading.Timer(LIMIT, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
            yield from iter(self.process.stdout.readline, "")
        finally:
            timer.cancel()

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.communicate()


class Page:
    """One shell, one Python and one clean folder, in which blocks run in order."""

    def __init__(self, name: str, home: str, env: Mapping[str, str]) -> None:
        """Start the shell; both streams of what it runs are one."""
        self.name, self.home, self.env = name, home, env
        merged = "exec bash --noprofile --norc 2>&1"
        self.shell = Pipe(["bash", "--noprofile", "--norc", "-c", merged], home, env)
        self.python: Pipe | None = None

    def close(self) -> None:
        """Ends the shell and the interpreter."""
        for pipe in (self.shell, self.python):
            if pipe:
                pipe.close()

    def run(self, text: str) -> int:
        """Runs the blocks of a page, and counts the commands and programs."""
        return sum(self.block(block) for block in parse(text))

    def block(self, block: Block) -> int:
        """Runs a block, and counts its commands and programs."""
        if SKIP in block.flags:
            return 0
        if FILE in block.flags:
            name = Path(block.flags[FILE])
            if name.is_absolute() or ".." in name.parts:
                raise WrongError(block.line, f"`file={name}` leaves the page's folder")
            (self.folder() / name).write_text(block.text, encoding="utf-8")
            return 0
        if block.language == "console":
            typed = commands(block)
            for command in typed:
                wanted = int(block.flags.get(EXIT, 0)) if command is typed[-1] else 0
                status, printed = self.typed(command.text, command.line)
                what = "" if status == wanted else f"exit status {status}, not {wanted}"
                judge(command.line, f"`{command.text}`: ", what, command.output, printed)
            return len(typed)
        failed, printed = self.interpreted(block)
        what = {"python": "the program failed", "pycon": "the session differs"}[block.language]
        judge(block.line, "", what if failed else "", block.output, printed)
        return 1

    def folder(self) -> Path:
        """Returns the shell's current folder."""
        return Path(self.typed("pwd -W" if os.name == "nt" else "pwd")[1].rstrip())

    def typed(self, command: str, line: int = 0) -> tuple[int, str]:
        """Runs a command in the shell; returns its status and what it printed."""
        quoted = command.replace("'", r"'\''")
        printed = ""
        for answer in self.shell.ask(f"eval '{quoted}' </dev/null; printf '\\n{END}%s\\n' $?"):
            if answer.startswith(END):
                # The newline before the mark is ours unless the output had none.
                return int(answer[len(END) :]), printed[:-1]
            printed += answer
        what = f"`{command}` ended the page's shell, or took more than {LIMIT} s"
        raise WrongError(line, f"{what}\n{printed}")

    def interpreted(self, block: Block) -> tuple[bool, str]:
        """Runs a Python block; returns whether it failed, and what it printed.

        The interpreter is the one that the shell finds when the page's first such block
        comes.
        """
        folder = str(self.folder())
        if self.python is None:
            found = self.typed("command -v python || command -v python3")[1].strip()
            self.python = Pipe([found, "-c", DRIVER], self.home, self.env)
        request = {"kind": block.language, "source": block.text, "folder": folder}
        request["name"] = f"{self.name}:{block.line}"
        for line in self.python.ask(json.dumps(request)):
            answer = json.loads(line)
            return bool(answer["failed"]), str(answer["output"])
        raise WrongError(block.line, "the interpreter ended, or took too long")


def judge(line: int, who: str, wrong: str, said: str, printed: str) -> None:
    """Refuses a command that went wrong, or that printed what the page does not say."""
    if not wrong and not same(said, printed):
        wrong = f"the output differs\n--- the page says\n{said}"
    if wrong:
        raise WrongError(line, f"{who}{wrong}\n--- printed\n{printed}")
