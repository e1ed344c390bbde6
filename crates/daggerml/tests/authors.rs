//! Several processes author and commit in one repository at once.

use std::process::{Command, Stdio};

use daggerml::Repository;
use daggerml::history::HistoryOptions;
use daggerml::record::Builtin;

const FOLDER: &str = "DML_TEST_AUTHORS_FOLDER";
const PROCESSES: usize = 4;
const DAGS: i64 = 12;

/// What each process runs; as a test of its own it does nothing.
#[test]
fn author() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let repository = Repository::open(folder.as_ref()).unwrap();
    let me = std::process::id();
    for number in 0..DAGS {
        let mut dag = repository.new_dag(&format!("{me}-{number}"), "").unwrap();
        let a = dag.put(number.into()).unwrap();
        dag.flush().unwrap();
        let shared = dag.put("the same everywhere".into()).unwrap();
        let list = dag.builtin(Builtin::List, &[a, shared]).unwrap();
        dag.flush().unwrap();
        dag.commit(list).unwrap();
    }
}

#[test]
fn processes_author_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "author"])
                .env(FOLDER, folder.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut wanted = Vec::new();
    for mut child in children {
        let id = child.id();
        assert!(child.wait().unwrap().success());
        wanted.extend((0..DAGS).map(|number| (format!("{id}-{number}"), number)));
    }
    assert_eq!(repository.dags().unwrap().len(), wanted.len());
    for (name, number) in &wanted {
        let view = repository.load(name).unwrap();
        let value = view.value(view.result().unwrap()).unwrap();
        assert_eq!(
            value,
            vec![(*number).into(), "the same everywhere".into()].into()
        );
    }
    let include = vec![repository.head().unwrap().unwrap()];
    let log = repository
        .log(HistoryOptions {
            include,
            ..HistoryOptions::default()
        })
        .unwrap();
    assert_eq!(log.count(), wanted.len());
    assert!(repository.drafts().unwrap().is_empty());
}
