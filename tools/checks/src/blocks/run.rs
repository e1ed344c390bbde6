//! Runs a page's blocks in order: one shell, one Python, one clean folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::same;
use super::page::{self, Action, Block};

/// The page's interpreter program.
const DRIVER: &str = include_str!("driver.py");

/// How long one command or block may take.
const LIMIT: Duration = Duration::from_mins(5);

/// What ends the output of each command in the shell.
const END: &str = "--end-of-command--";

/// Runs the blocks and counts them. `command` makes a command that knows the
/// page's folder and environment. The error is the first thing that is not as
/// the page says.
pub fn run(
    page: &str,
    blocks: &[Block],
    command: &dyn Fn(&str) -> Command,
) -> Result<usize, String> {
    let mut bash = command("bash");
    let merged = "exec bash --noprofile --norc 2>&1";
    bash.args(["--noprofile", "--norc", "-c", merged]);
    let mut session = Session {
        shell: Pipe::start(&mut bash)?,
        python: None,
        command,
    };
    let mut count = 0;
    for block in blocks {
        count += session
            .block(&format!("{page}:{}", block.line), &block.action)
            .map_err(|(line, why)| format!("{page}:{}: {why}", line.unwrap_or(block.line)))?;
    }
    Ok(count)
}

/// What went wrong, and on which line if not the block's first.
type Wrong = (Option<usize>, String);

/// One page being run.
struct Session<'a> {
    shell: Pipe,
    python: Option<Pipe>,
    command: &'a dyn Fn(&str) -> Command,
}

impl Session<'_> {
    /// Runs one block; how many commands and programs that was.
    fn block(&mut self, name: &str, action: &Action) -> Result<usize, Wrong> {
        let here = |why: String| (None, why);
        match action {
            Action::Skip { .. } => return Ok(0),
            Action::File { name, text } => {
                let folder = self.shell.folder().map_err(here)?;
                write_file(Path::new(&folder), name, text).map_err(here)?;
                return Ok(0);
            }
            Action::Console { commands, exit } => {
                for (index, command) in commands.iter().enumerate() {
                    let last = index + 1 == commands.len();
                    self.typed(command, if last { *exit } else { 0 })
                        .map_err(|why| (Some(command.line), why))?;
                }
                return Ok(commands.len());
            }
            Action::Python { source, output } => {
                let (failed, printed) = self.python("python", source, name).map_err(here)?;
                let said = output.as_deref().unwrap_or_default();
                judge(said, &printed, !failed, "the program failed").map_err(here)?;
            }
            Action::Pycon { source } => {
                let (failed, printed) = self.python("pycon", source, name).map_err(here)?;
                if failed {
                    return Err((None, format!("the session differs:\n{printed}")));
                }
            }
        }
        Ok(1)
    }

    /// One command of a console block.
    fn typed(&mut self, command: &page::Command, exit: i32) -> Result<(), String> {
        let (status, printed) = self.shell.command(&command.text)?;
        let otherwise = format!("exit status {status}, not {exit}");
        judge(&command.output, &printed, status == exit, &otherwise)
            .map_err(|why| format!("`{}`: {why}", command.text))
    }

    /// Whether the Python block failed, and what it printed. The interpreter is
    /// the one that the shell finds when the page's first Python block comes.
    fn python(&mut self, kind: &str, source: &str, name: &str) -> Result<(bool, String), String> {
        let folder = self.shell.folder()?;
        let python = match &mut self.python {
            Some(python) => python,
            none => {
                let (_, found) = self
                    .shell
                    .command("command -v python || command -v python3")?;
                let mut command = (self.command)(found.trim());
                none.insert(Pipe::start(command.args(["-c", DRIVER]))?)
            }
        };
        let request = json!({"kind": kind, "source": source, "name": name, "folder": folder});
        python.send(&request.to_string())?;
        let line = python.receive(name)?;
        let answer: Value =
            serde_json::from_str(&line).map_err(|error| format!("{error}: {line}"))?;
        let failed = answer["failed"].as_bool().unwrap_or(true);
        Ok((
            failed,
            answer["output"].as_str().unwrap_or_default().to_owned(),
        ))
    }
}

fn write_file(here: &Path, name: &str, text: &str) -> Result<(), String> {
    let plain = Path::new(name)
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    if !plain {
        return Err(format!("`file={name}` leaves the page's folder"));
    }
    std::fs::write(here.join(name), text).map_err(|error| format!("{name}: {error}"))
}

fn judge(said: &str, printed: &str, ended_well: bool, otherwise: &str) -> Result<(), String> {
    if !ended_well {
        return Err(format!("{otherwise}\n--- printed\n{printed}"));
    }
    if !same(said, printed) {
        return Err(format!(
            "the output differs\n--- the page says\n{said}--- printed\n{printed}"
        ));
    }
    Ok(())
}

/// A process that is sent lines and answers with lines.
struct Pipe {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Pipe {
    fn start(command: &mut Command) -> Result<Self, String> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let stdin = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        if let Some(out) = child.stdout.take() {
            thread::spawn(move || forward(out, &sender));
        }
        Ok(Self {
            child,
            stdin,
            lines,
        })
    }

    fn send(&mut self, text: &str) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("the process is closed")?;
        writeln!(stdin, "{text}")
            .and_then(|()| stdin.flush())
            .map_err(|error| format!("the process is gone: {error}"))
    }

    fn receive(&mut self, what: &str) -> Result<String, String> {
        self.lines.recv_timeout(LIMIT).map_err(|error| match error {
            mpsc::RecvTimeoutError::Timeout => {
                format!("`{what}` took more than {} s", LIMIT.as_secs())
            }
            mpsc::RecvTimeoutError::Disconnected => {
                format!("`{what}` ended the page's shell or interpreter")
            }
        })
    }

    /// Runs a command in the shell: its exit status and what it printed.
    fn command(&mut self, text: &str) -> Result<(i32, String), String> {
        let quoted = text.replace('\'', r"'\''");
        self.send(&format!(
            "eval '{quoted}' </dev/null; printf '\\n{END}%s\\n' $?"
        ))?;
        let mut printed = String::new();
        loop {
            let line = self.receive(text)?;
            if let Some(status) = line.strip_prefix(END) {
                // The newline before the mark is ours unless the output had none.
                let printed = printed.strip_suffix('\n').unwrap_or(&printed).to_owned();
                return Ok((status.parse().unwrap_or(-1), printed));
            }
            printed.push_str(&line);
            printed.push('\n');
        }
    }

    /// The shell's current folder.
    fn folder(&mut self) -> Result<String, String> {
        let (_, printed) = self.command(if cfg!(windows) { "pwd -W" } else { "pwd" })?;
        Ok(printed.trim_end().to_owned())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(out: ChildStdout, sender: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(out);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|read| read > 0)
    {
        let line = String::from_utf8_lossy(&bytes)
            .trim_end_matches(['\n', '\r'])
            .to_owned();
        if sender.send(line).is_err() {
            return;
        }
        bytes.clear();
    }
}

#[cfg(unix)] // they need a bash
#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::parse;

    fn run_page(text: &str) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let command = |program: &str| {
            let mut command = Command::new(program);
            command.current_dir(folder.path());
            command
        };
        run("page.md", &parse(text).unwrap(), &command)
    }

    #[test]
    fn blocks_run_in_order_in_one_folder() {
        let page = "```console\n$ mkdir new && cd new\n$ echo hello > x\n```\n\
                    ```python\ntext = open('x').read()\n```\n```pycon\n>>> text\n'hello\\n'\n```\n\
                    ```python file=y.py\nprint('from y')\n```\n```console\n$ ls\nx\ny.py\n$ python3 y.py\nfrom y\n```\n";
        assert_eq!(run_page(page), Ok(6));
    }

    #[test]
    fn what_a_page_gets_wrong_is_found() {
        let wrong = [
            (
                "```console\n$ echo a\nb\n```\n",
                "page.md:2: `echo a`: the output differs",
            ),
            ("```console\n$ echo a\n```\n", "the output differs"),
            ("```console\n$ false\n```\n", "exit status 1, not 0"),
            (
                "```console exit=3\n$ (exit 2)\n```\n",
                "exit status 2, not 3",
            ),
            (
                "```python\nprint(1)\n```\n```text output\n2\n```\n",
                "page.md:1: the output differs",
            ),
            ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
            ("```pycon\n>>> 1 + 1\n3\n```\n", "the session differs"),
            ("```console\n$ exit 0\n```\n", "ended the page's shell"),
            ("```text file=../x\n```\n", "leaves the page's folder"),
        ];
        for (page, why) in wrong {
            let found = run_page(page).unwrap_err();
            assert!(found.contains(why), "{page}\n{found}");
        }
    }

    #[test]
    fn a_command_that_should_fail_may() {
        assert_eq!(
            run_page("```console exit=3\n$ echo no >&2; (exit 3)\nno\n```\n"),
            Ok(1)
        );
    }

    #[test]
    fn output_without_a_last_newline_is_whole() {
        assert_eq!(
            run_page("```console\n$ printf 'a b'\na b\n$ printf 'c\\n\\n'\nc\n```\n"),
            Ok(2)
        );
    }

    #[test]
    fn a_skipped_block_is_not_run() {
        assert_eq!(
            run_page("```console skip=needs-a-cluster\n$ exit 1\n```\n"),
            Ok(0)
        );
    }

    #[test]
    fn the_source_of_a_function_in_a_page_can_be_found() {
        let page = "```python\nimport inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))\n```\n\
                    ```text output\ndef f():\n    return 1\n```\n";
        assert_eq!(run_page(page), Ok(1));
    }
}
