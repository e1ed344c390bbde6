//! Steps over the Python code.

use std::collections::BTreeMap;
use std::env;
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};

use crate::context::{Context, Python};
use crate::error::{Error, Result};
use crate::facts;
use crate::log::Log;
use crate::steps::{Done, house, rust};
use crate::venv::{self, Venv};

/// The name of the library that holds the module `daggerml._core`.
const EXTENSION: &str = "_core";

/// Where the tests of the Python packages are.
const TESTS: &str = "python/tests";

/// Runs `ruff check` and `ruff format`.
///
/// It does not use ruff's cache, which is keyed by a file's own text: the right order of
/// imports also depends on which folders are beside the file.
pub fn ruff(context: &Context, log: &mut Log) -> Result<Done> {
    let ruff = venv::tools(context, log, "lint")?.program("ruff");
    log.run(context.command(&ruff).args(["check", "--no-cache", "."]))?;
    log.run(context.command(&ruff).args(["format", "--check", "."]))?;
    Ok(Done::Passed(String::new()))
}

/// Runs `mypy`, configured by mypy.ini.
pub fn mypy(context: &Context, log: &mut Log) -> Result<Done> {
    let mypy = venv::tools(context, log, "lint")?.program("mypy");
    let cache = context.work.join("mypy");
    log.run(context.command(mypy).arg("--cache-dir").arg(cache))?;
    Ok(Done::Passed(String::new()))
}

/// Runs pyright, strict, over a program that a user could have written.
pub fn pyright(context: &Context, log: &mut Log) -> Result<Done> {
    let pyright = venv::tools(context, log, "pyright")?.program("basedpyright");
    log.run(context.command(pyright).args(["-p", "python/tests/typed"]))?;
    Ok(Done::Passed(String::new()))
}

/// Runs `stubtest` on the extension of the installed wheel.
pub fn stubtest(context: &Context, log: &mut Log) -> Result<Done> {
    let lint = venv::tools(context, log, "lint")?;
    let installed = venv::with_wheels(context, log, context.python()?, &context.dist())?;
    let mut command = context.command(lint.python());
    command.args(["-m", "mypy.stubtest", "daggerml._core"]);
    command.env("PYTHONPATH", site_packages(context, log, &installed)?);
    log.run(command.current_dir(&context.work))?;
    Ok(Done::Passed(String::new()))
}

/// Runs the tests against packages that are packed like the wheels, around a debug build
/// of the engine: it is made in a fraction of the time.
pub fn quick(context: &Context, log: &mut Log) -> Result<Done> {
    let python = context.python()?;
    let packed = context.emptied("packed")?;
    rust::build(context, log, &["--lib", "--bin=wheelwright"])?;
    let library = format!("{DLL_PREFIX}{EXTENSION}{DLL_SUFFIX}");
    let ask = "import sysconfig; print(sysconfig.get_platform())";
    let mut platform = context.command(&python.path);
    let platform = log.output(platform.args(["-I", "-c", ask]))?;
    let tag = platform.lines().last().unwrap_or_default();
    let tag = tag.replace(['-', '.'], "_");
    for package in facts::packages(context)? {
        let mut pack = context.command(context.debug("wheelwright"));
        pack.args(["pack", "--project", &package.folder, "--out"]);
        pack.arg(&packed);
        if package.compiled {
            pack.args(["--platform-tag", &tag, "--extension"]);
            pack.arg(context.target().join("debug").join(&library));
        }
        log.run(&mut pack)?;
    }
    test_on(context, log, python, &packed, INSIDE)
}

/// Runs the tests against the installed wheels.
pub fn pytest(context: &Context, log: &mut Log) -> Result<Done> {
    let python = context.python()?;
    test_on(context, log, python, &context.dist(), &[])
}

/// Runs the tests on every other CPython found here: one of each minor version, and of each
/// that is free-threaded.
pub fn pythons(context: &Context, log: &mut Log) -> Result<Done> {
    let found = others(context)?;
    let mut notes = Vec::new();
    // A browser or a container is the same for every Python: the oldest one tries them.
    let mut which: &[&str] = &[];
    for python in found.values() {
        let (Done::Passed(counts) | Done::Skipped(counts)) =
            test_on(context, log, python, &context.dist(), which)?;
        let t = if python.free_threaded { "t" } else { "" };
        notes.push(format!("{}{t}: {counts}", python.version));
        which = INSIDE;
    }
    if notes.is_empty() {
        return Ok(Done::Skipped(
            "this machine has no other CPython".to_owned(),
        ));
    }
    Ok(Done::Passed(notes.join("; ")))
}

/// Chooses the tests that need no programs from outside, such as a browser.
const INSIDE: &[&str] = &["-m", "not outside"];

/// Runs the tests that `which` chooses, on a Python.
fn test_on(
    context: &Context,
    log: &mut Log,
    python: &Python,
    dist: &Path,
    which: &[&str],
) -> Result<Done> {
    let installed = venv::with_wheels(context, log, python, dist)?;
    rust::build(context, log, &["--bin=dml"])?;
    let arguments = ["--numprocesses", "auto", TESTS];
    let native = [("DML_NATIVE", context.debug("dml"))];
    house::pytest(
        context,
        log,
        &installed,
        &[&arguments, which].concat(),
        native,
    )
}

fn site_packages(context: &Context, log: &mut Log, venv: &Venv) -> Result<PathBuf> {
    let ask = "import sysconfig; print(sysconfig.get_path('platlib'))";
    let mut command = context.command(venv.python());
    let (_, text) = log.capture(command.args(["-I", "-c", ask]))?;
    Ok(PathBuf::from(text.lines().last().unwrap_or_default()))
}

/// Finds one CPython of each supported minor version, with and without a global interpreter
/// lock, except the main one: `python3.N` and `python3.Nt` on the search path, and those
/// that pyenv or uv installed.
fn others(context: &Context) -> Result<BTreeMap<(u32, bool), Python>> {
    let kind = |python: &Python| (python.minor(), python.free_threaded);
    let main = kind(context.python()?);
    let oldest = context.oldest_python()?;
    let mut programs: Vec<PathBuf> = (oldest..40)
        .flat_map(|n| {
            [
                format!("python3.{n}").into(),
                format!("python3.{n}t").into(),
            ]
        })
        .collect();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    for (folder, program) in [
        (home.join(".pyenv/versions"), "bin/python"),
        (home.join(".local/share/uv/python"), "bin/python3"),
    ] {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let mut names: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path().join(program))
            .collect();
        names.sort();
        programs.extend(names);
    }
    let mut found = BTreeMap::new();
    for program in programs {
        if let Some(python) = context.probe(&program)
            && python.minor() >= oldest
            && kind(&python) != main
        {
            found.entry(kind(&python)).or_insert(python);
        }
    }
    Ok(found)
}

/// Returns a text that names those, for the step's stamp.
pub fn others_described(context: &Context) -> Result<String> {
    Ok(format!("{:?}", others(context)?))
}

/// Runs pip-audit on every lock of Python tools, where its database can be reached.
pub fn audit(context: &Context, log: &mut Log) -> Result<Done> {
    let audit = venv::tools(context, log, "audit")?.program("pip-audit");
    let locks: Vec<String> = context
        .files()?
        .into_iter()
        .filter(|file| {
            let is_text = Path::new(file).extension() == Some("txt".as_ref());
            file == venv::LOCK || (file.contains("/requirements/") && is_text)
        })
        .collect();
    // One by one: two locks may hold one package in two versions.
    for lock in &locks {
        let mut command = context.command(&audit);
        command.args([
            "--disable-pip",
            "--require-hashes",
            "--progress-spinner",
            "off",
        ]);
        let (status, text) = log.capture(command.args(["--requirement", lock]))?;
        // Its words for a package of the public index that the database does not know.
        let unknown = text.contains("Dependency not found on PyPI");
        if unknown || text.contains("ConnectionError") || text.contains("Max retries exceeded") {
            return Ok(Done::Skipped(
                "the database of vulnerabilities cannot be reached from here".to_owned(),
            ));
        }
        if !status.success() {
            return Err(Error::Status {
                line: crate::log::line(&command),
                status: status.to_string(),
            });
        }
    }
    Ok(Done::Passed(format!("{} locks", locks.len())))
}
