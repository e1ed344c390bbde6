//! The steps whose rules are written as tests in Python: those of `tools/checks/tests`.

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::npm;
use crate::steps::Done;
use crate::venv::{self, Venv};

/// Where those tests are.
const TESTS: &str = "tools/checks/tests";

/// Where buildifier is pinned, and where it is when it is installed.
const BUILDIFIER: &str = "tools/checks/buildifier/";
const BUILDIFIER_PROGRAM: &str = "node_modules/@bazel/buildifier/buildifier.js";

/// Runs pytest with some variables set to programs, and returns its counts.
pub fn pytest(
    context: &Context,
    log: &mut Log,
    venv: &Venv,
    arguments: &[&str],
    programs: impl IntoIterator<Item = (&'static str, PathBuf)>,
) -> Result<Done> {
    let mut command = context.command(venv.program("pytest"));
    venv.enter(&mut command)?;
    command
        .args(["-q", "-rfEs", "-p", "no:cacheprovider"])
        // Each session leaves what its tests wrote; those before it are not looked at again.
        .args(["-o", "tmp_path_retention_count=1"])
        .args(arguments)
        .envs(programs)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let text = log.output(&mut command)?;
    let mut lines = text.lines().rev();
    let counts = lines.next().unwrap_or_default();
    let counts = counts.split(" in ").next().unwrap_or_default().to_owned();
    if counts.contains(" passed") {
        return Ok(Done::Passed(counts));
    }
    let why = lines.find(|line| line.starts_with("SKIPPED"));
    Ok(Done::Skipped(why.unwrap_or(&counts).to_owned()))
}

/// Runs the tests in a file with the tools of `lint`.
fn lint(context: &Context, log: &mut Log, file: &str) -> Result<Done> {
    let tools = venv::tools(context, log, "lint")?;
    pytest(context, log, &tools, &[&format!("{TESTS}/{file}")], [])
}

/// Compares the copies of facts with the facts, or writes them.
pub fn sync(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "lint")?;
    let mut command = context.command(tools.python());
    command.arg("-B").arg(format!("{TESTS}/sync.py"));
    if context.write {
        command.arg("--write");
    } else {
        lint(context, log, "test_sync.py")?;
    }
    let (status, text) = log.capture(&mut command)?;
    let last = text.lines().next_back().unwrap_or_default().to_owned();
    if status.success() {
        Ok(Done::Passed(last))
    } else {
        Err(Error::Refused { why: last })
    }
}

/// Follows the links between pages.
pub fn links(context: &Context, log: &mut Log) -> Result<Done> {
    lint(context, log, "test_links.py")
}

/// The workflow that `wheelwright init` writes.
const WRITTEN_WORKFLOW: &str = "tools/wheelwright/data/release.yml";

/// Checks the rules of workflows, then runs actionlint and zizmor.
pub fn workflows(context: &Context, log: &mut Log) -> Result<Done> {
    let done = lint(context, log, "test_workflows.py")?;
    let tools = venv::tools(context, log, "lint")?;
    log.run(&mut context.command(tools.program("actionlint")))?;
    let mut actionlint = context.command(tools.program("actionlint"));
    log.run(actionlint.arg(WRITTEN_WORKFLOW))?;
    let mut zizmor = context.command(tools.program("zizmor"));
    zizmor.args(["--offline", "--persona=auditor", "--no-progress"]);
    zizmor.args([".github/workflows/", "action.yml", WRITTEN_WORKFLOW]);
    log.run(&mut zizmor)?;
    Ok(done)
}

/// Looks for what Bazel's files lack, then runs buildifier.
pub fn bazel(context: &Context, log: &mut Log) -> Result<Done> {
    let (Done::Passed(counts) | Done::Skipped(counts)) = lint(context, log, "test_bazel.py")?;
    let Some(program) = npm::program(context, log, BUILDIFIER, BUILDIFIER_PROGRAM)? else {
        let why = format!("{counts}; buildifier needs npm and its registry");
        return Ok(Done::Skipped(why));
    };
    let mut files = context.files()?;
    files.retain(|file| is_starlark(file));
    let mut node = context.command("node");
    node.arg(program).args(["-mode=check", "-lint=warn"]);
    log.run(node.args(&files))?;
    Ok(Done::Passed(format!(
        "{counts}; {} files formatted",
        files.len()
    )))
}

fn is_starlark(file: &str) -> bool {
    let extension = Path::new(file).extension();
    file.ends_with("BUILD.bazel")
        || file.ends_with("MODULE.bazel")
        || extension == Some("bzl".as_ref())
}

/// Runs the code blocks of every page as the page shows them, against the wheels in `dist/`.
pub fn guides(context: &Context, log: &mut Log) -> Result<Done> {
    let installed = venv::with_wheels(context, log, context.python()?, &context.dist())?;
    let files = ["test_blocks.py", "test_guides.py"].map(|file| format!("{TESTS}/{file}"));
    let arguments = ["--numprocesses", "auto", &files[0], &files[1]];
    pytest(context, log, &installed, &arguments, [])
}

/// Releases `dist/` to an index on this machine, and breaks the release in every way.
pub fn rehearsal(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "rehearsal")?;
    let mut build = context.cargo();
    log.run(build.args(["build", "--quiet", "--profile=tool", "-p", "wheelwright"]))?;
    pytest(
        context,
        log,
        &tools,
        &[&format!("{TESTS}/test_rehearsal.py")],
        [],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starlark_files_are_known_by_name() {
        for file in [
            "BUILD.bazel",
            "a/BUILD.bazel",
            "x.MODULE.bazel",
            "tools/x.bzl",
        ] {
            assert!(is_starlark(file), "{file}");
        }
        for file in [".bazelrc", "docs/guide/bazel.md", "MODULE.bazel.lock"] {
            assert!(!is_starlark(file), "{file}");
        }
    }
}
