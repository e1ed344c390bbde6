//! What the end-to-end tests share: a folder, the built `dml`, and DAGs to look at.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test helper may panic, and every test binary uses a part of it"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use daggerml::Repository;
use daggerml::record::ErrorInfo;
use daggerml::value::{Map, Runnable, Set, Uri, Value};

/// A folder that goes away, and `dml` in it.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with a new repository in it.
    pub fn with_repository() -> Self {
        let place = Self::empty();
        Repository::init(place.path()).unwrap();
        place
    }

    /// A repository with three DAGs in three commits; see [`author`].
    pub fn with_dags() -> Self {
        let place = Self::with_repository();
        author(&place.repository());
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn repository(&self) -> Repository {
        Repository::open(self.path()).unwrap()
    }

    /// `dml` in the folder, with an environment that is the same everywhere.
    pub fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .current_dir(self.path())
            .env_clear()
            .env("TZ", "UTC")
            .env("DML_AUTHOR", "Ada")
            .stdin(Stdio::null());
        if let Some(root) = std::env::var_os("SystemRoot") {
            command.env("SystemRoot", root);
        }
        command
    }

    /// Returns what a shell is offered for the last of these words, one a line.
    pub fn offered(&self, words: &[&str]) -> String {
        let mut command = self.command();
        command
            .env("_DML_COMPLETE", "fish")
            .args(["--", "dml"])
            .args(words);
        Run::of(&mut command, self).stdout
    }

    /// Runs `dml` with these arguments.
    pub fn dml(&self, args: &[&str]) -> Run {
        Run::of(self.command().args(args), self)
    }
}

pub fn binary() -> PathBuf {
    // Bazel says it relative to the folder that tests start in.
    std::path::absolute(env!("CARGO_BIN_EXE_dml")).unwrap()
}

/// What a run of `dml` did.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(command: &mut Command, place: &Place) -> Self {
        let output = command.output().unwrap();
        Self::new(&output, place.path())
    }

    /// The folder's path is different every time: it becomes `<FOLDER>`.
    fn new(output: &Output, folder: &Path) -> Self {
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(&folder.display().to_string(), "<FOLDER>")
        };
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Everything, for a snapshot.
    pub fn all(&self) -> String {
        format!(
            "exit code: {}\n----- stdout -----\n{}----- stderr -----\n{}",
            self.code.map_or("none".to_owned(), |code| code.to_string()),
            self.stdout,
            self.stderr
        )
    }

    /// Standard output as JSON; the run must have succeeded.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{}", self.all());
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The error that standard error has as JSON.
    pub fn json_error(&self) -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&self.stderr).unwrap()["error"].clone()
    }
}

/// Commits three DAGs: `numbers` (every kind of value), `failed` (an error), `größe`.
pub fn author(repository: &Repository) {
    let mut dag = repository.new_dag("numbers", "First numbers").unwrap();
    let xs = dag
        .put(Value::List(vec![1.into(), 2.into(), 3.into()]))
        .unwrap();
    dag.set_name("xs", xs).unwrap();
    for (name, value) in kinds() {
        let node = dag.put(value).unwrap();
        dag.set_name(name, node).unwrap();
    }
    dag.commit(xs).unwrap();

    let mut dag = repository.new_dag("failed", "A run that fails").unwrap();
    dag.put("input".into()).unwrap();
    dag.fail(ErrorInfo {
        origin: "python".into(),
        kind: "ValueError".into(),
        message: "no such\ncolumn".into(),
        stack: Vec::new(),
    })
    .unwrap();

    let mut dag = repository
        .new_dag("größe", "Unicode name\n\nwith a longer explanation")
        .unwrap();
    let node = dag.put("数据".into()).unwrap();
    dag.commit(node).unwrap();
}

/// A value of every kind.
pub fn kinds() -> Vec<(&'static str, Value)> {
    let uri = Uri::new("s3://bucket/key").unwrap();
    vec![
        ("nothing", Value::Null),
        ("truth", true.into()),
        (
            "big",
            Value::Int("123456789012345678901234567890".parse().unwrap()),
        ),
        ("ratio", 0.5.into()),
        ("nan", f64::NAN.into()),
        ("text", "tab\tquote\" \u{1b}[31m".into()),
        ("bytes", Value::Bytes((0..40).collect())),
        ("uri", Value::Uri(uri.clone())),
        (
            "set",
            Value::Set(Set::new(vec![2.into(), 1.into()]).unwrap()),
        ),
        (
            "map",
            Value::Map(Map::new(vec![(1.into(), "one".into()), ("k".into(), 2.into())]).unwrap()),
        ),
        (
            "runnable",
            Value::Runnable(Box::new(Runnable {
                uri,
                adapter: "local".into(),
                kwargs: Map::new(vec![("cpu".into(), 2.into())]).unwrap(),
                sub: None,
            })),
        ),
    ]
}

/// A run that succeeded.
pub fn ok(run: &Run) -> &Run {
    assert_eq!(run.code, Some(0), "{}", run.all());
    run
}

/// A failure with this exit code and these words.
pub fn fails(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.all());
    for word in words {
        assert!(run.stderr.contains(word), "{word:?} in {}", run.all());
    }
}

/// A success with these words on standard error.
pub fn says(run: &Run, words: &[&str]) {
    fails(run, 0, words);
}

/// Commits a DAG of this name whose result is `value`; the commit's id.
pub fn put(place: &Place, name: &str, value: i64) -> String {
    let mut dag = place.repository().new_dag(name, name).unwrap();
    let node = dag.put(value.into()).unwrap();
    dag.commit(node).unwrap().commit.to_string()
}

/// The names of the branches.
pub fn branches(place: &Place) -> Vec<String> {
    let found = place.dml(&["branch", "--json"]).json()["branches"].clone();
    let found = found.as_array().unwrap().clone();
    let name = |branch: &serde_json::Value| branch["name"].as_str().unwrap().to_owned();
    found.iter().map(name).collect()
}
