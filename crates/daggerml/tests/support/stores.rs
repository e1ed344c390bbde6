//! The kinds of store that tests run on: a file, as every repository on disk has, and
//! memory.

use std::process::Command;

use daggerml::Repository;

/// The environment variable that says which kind of store the tests of a process run on.
const VARIABLE: &str = "DML_TEST_STORE";

fn in_memory() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|kind| kind == "memory")
}

/// Makes a repository on the kind of store that this process is to test.
pub fn repository() -> (tempfile::TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let made = if in_memory() {
        Repository::in_memory(folder.path())
    } else {
        Repository::init(folder.path())
    };
    let made = made.unwrap();
    let on_disk = folder.path().join(".dml/data.mdb").exists();
    assert_eq!(on_disk, !in_memory());
    (folder, made)
}

/// Runs all tests of this binary again, in a process where [`repository`] makes stores in
/// memory.
pub fn all_in_memory() {
    if in_memory() {
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .env(VARIABLE, "memory")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let more_than_this = told.contains("test result: ok.") && !told.contains("ok. 1 passed");
    assert!(more_than_this, "{told}");
}
