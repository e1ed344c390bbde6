//! Runs a page's blocks in order: one shell, one Python, one clean folder.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::same;
use super::page::{Action, Block};

/// The page's interpreter program.
const DRIVER: &str = include_str!("driver.py");

/// How long one command or block may take.
const LIMIT: Duration = Duration::from_mins(5);

/// What ends the output of each command in the shell.
const END: &str = "--end-of-command--";

/// Runs the blocks. `shell` is a bash that will read its commands from stdin,
/// `python` the page's interpreter; both already know their folder and paths.
/// The error is the first thing that is not as the page says.
pub fn run(
    page: &str,
    blocks: &[Block],
    mut shell: Command,
    mut python: Command,
) -> Result<usize, String> {
    let mut shell = Pipe::start(&mut shell)?;
    let mut interpreter: Option<Pipe> = None;
    let mut count = 0;
    for block in blocks {
        let place = |line: usize| format!("{page}:{line}");
        match &block.action {
            Action::Skip { .. } => {}
            Action::File { name, text } => {
                let here = shell.folder()?;
                write_file(Path::new(&here), name, text)
                    .map_err(|why| format!("{}: {why}", place(block.line)))?;
            }
            Action::Console { commands, exit } => {
                for (index, command) in commands.iter().enumerate() {
                    count += 1;
                    let wanted = if index + 1 == commands.len() {
                        *exit
                    } else {
                        0
                    };
                    let (status, printed) = shell.command(&command.text)?;
                    judge(
                        &command.output,
                        &printed,
                        status == wanted,
                        &format!("exit status {status}, not {wanted}"),
                    )
                    .map_err(|why| format!("{}: `{}`: {why}", place(command.line), command.text))?;
                }
            }
            Action::Python { source, output } => {
                count += 1;
                let answer = in_python(
                    &mut interpreter,
                    &mut python,
                    "python",
                    source,
                    &place(block.line),
                    &shell.folder()?,
                )?;
                let said = output.clone().unwrap_or_default();
                judge(&said, &answer.1, !answer.0, "the program failed")
                    .map_err(|why| format!("{}: {why}", place(block.line)))?;
            }
            Action::Pycon { source } => {
                count += 1;
                let answer = in_python(
                    &mut interpreter,
                    &mut python,
                    "pycon",
                    source,
                    &place(block.line),
                    &shell.folder()?,
                )?;
                if answer.0 {
                    return Err(format!(
                        "{}: the session differs:\n{}",
                        place(block.line),
                        answer.1
                    ));
                }
            }
        }
    }
    Ok(count)
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

/// Whether the block failed, and what it printed.
fn in_python(
    pipe: &mut Option<Pipe>,
    python: &mut Command,
    kind: &str,
    source: &str,
    name: &str,
    folder: &str,
) -> Result<(bool, String), String> {
    if pipe.is_none() {
        *pipe = Some(Pipe::start(python.args(["-c", DRIVER]))?);
    }
    let pipe = pipe.as_mut().ok_or("no interpreter")?;
    let request = json!({"kind": kind, "source": source, "name": name, "folder": folder});
    pipe.send(&request.to_string())?;
    let line = pipe.receive(name)?;
    let answer: Value =
        serde_json::from_str(&line).map_err(|error| format!("{name}: {error}: {line}"))?;
    let failed = answer["failed"].as_bool().unwrap_or(true);
    Ok((
        failed,
        answer["output"].as_str().unwrap_or_default().to_owned(),
    ))
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
        let mut shell = Command::new("bash");
        shell
            .args([
                "--noprofile",
                "--norc",
                "-c",
                "exec bash --noprofile --norc 2>&1",
            ])
            .current_dir(folder.path());
        let mut python = Command::new("python3");
        python.arg("-I").current_dir(folder.path());
        run("page.md", &parse(text).unwrap(), shell, python)
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
