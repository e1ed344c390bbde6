//! What happens when something is wrong: the exit code, and one clear message.

mod common;

use common::{Place, Run};

/// A failure: this exit code, nothing on standard output, and these words.
fn fails(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, Some(code), "{}", run.all());
    assert_eq!(run.stdout, "", "{}", run.all());
    for word in words {
        assert!(run.stderr.contains(word), "{word:?} in {}", run.all());
    }
    for word in ["panicked", "RUST_BACKTRACE", "Os {", "Error {"] {
        assert!(!run.stderr.contains(word), "{word:?} in {}", run.all());
    }
}

#[test]
fn no_repository() {
    let place = Place::empty();
    for args in [&["status"][..], &["log"], &["show"], &["dag", "list"]] {
        fails(
            &place.dml(args),
            3,
            &["error: no DaggerML repository", "hint: run `dml init`"],
        );
    }
}

#[test]
fn init_twice() {
    let place = Place::with_repository();
    fails(&place.dml(&["init"]), 4, &["already exists"]);
    assert_eq!(place.dml(&["status"]).code, Some(0), "nothing was lost");
}

#[test]
fn wrong_usage() {
    let place = Place::with_repository();
    fails(
        &place.dml(&["statsu"]),
        2,
        &["error: unrecognized subcommand", "status"],
    );
    fails(
        &place.dml(&["log", "-n", "many"]),
        2,
        &["error: invalid value"],
    );
    fails(
        &place.dml(&["status", "-q", "-v"]),
        2,
        &["cannot be used with"],
    );
    fails(&place.dml(&[]), 2, &["Usage: dml"]);
    fails(&place.dml(&["dag"]), 2, &["Usage: dml dag"]);
}

#[test]
fn nothing_of_that_name() {
    let place = Place::with_dags();
    fails(
        &place.dml(&["show", "nowhere"]),
        3,
        &["revision \"nowhere\" not found"],
    );
    fails(&place.dml(&["show", &"0".repeat(64)]), 3, &["not found"]);
    fails(
        &place.dml(&["man", "nothing"]),
        3,
        &["no command `dml nothing`"],
    );
}

#[test]
fn no_such_dag_or_node() {
    let place = Place::with_dags();
    fails(
        &place.dml(&["dag", "show", "nowhere"]),
        3,
        &["dag \"nowhere\" not found"],
    );
    fails(
        &place.dml(&["dag", "get", "numbers", "y"]),
        3,
        &["node \"y\" not found"],
    );
    fails(
        &place.dml(&["dag", "get", "failed"]),
        1,
        &["ValueError", "no such"],
    );
    fails(
        &place.dml(&["dag", "get", "a\nb"]),
        2,
        &["control character"],
    );
}

#[test]
fn errors_as_json() {
    let place = Place::empty();
    let error = place.dml(&["status", "--json"]).json_error();
    assert_eq!(error["kind"], "not_found");
    assert_eq!(error["exit_code"], 3);
    assert_eq!(
        error["hints"][0],
        "run `dml init` where the repository should be"
    );
    let error = place.dml(&["--json", "statsu"]).json_error();
    assert_eq!(error["kind"], "usage");
    assert_eq!(error["exit_code"], 2);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::ffi::OsStr;
    use std::fs::{self, File, OpenOptions};
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn the_reader_goes_away() {
        let place = Place::with_dags();
        for args in [
            &["man"][..],
            &["log"],
            &["--help"],
            &["log", "--json"],
            &["bundle", "create", "main"],
        ] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let run = Run::of(place.command().args(args).stdout(writer), &place);
            fails(&run, 141, &[]);
            assert_eq!(run.stderr, "", "{args:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_output_has_no_room() {
        let place = Place::with_dags();
        for args in [
            &["log"][..],
            &["--version"],
            &["status", "--json"],
            &["man"],
            &["bundle", "create", "main"],
        ] {
            let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
            let run = Run::of(place.command().args(args).stdout(full), &place);
            fails(
                &run,
                1,
                &["cannot write the output: No space left on device"],
            );
        }
    }

    #[test]
    fn arguments_that_are_not_unicode() {
        let place = Place::with_dags();
        let bad = OsStr::from_bytes(b"caf\xe9");
        let run = Run::of(place.command().arg("show").arg(bad), &place);
        fails(&run, 2, &["is not Unicode text"]);
        // macOS refuses such folder names itself.
        if cfg!(target_os = "linux") {
            let run = Run::of(place.command().arg("init").arg(bad), &place);
            assert_eq!(run.code, Some(0), "{}", run.all());
            assert!(place.path().join(bad).join(".dml").is_dir());
            let run = Run::of(place.command().arg("-C").arg(bad).arg("status"), &place);
            assert_eq!(run.code, Some(0), "{}", run.all());
        }
    }

    #[test]
    fn a_damaged_file() {
        let place = Place::with_dags();
        let file = place.path().join(".dml/data.mdb");
        let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        for keep in [0, 100, length / 2] {
            let copy = Place::empty();
            fs::create_dir(copy.path().join(".dml")).unwrap();
            let mut bytes = fs::read(&file).unwrap();
            bytes.truncate(keep);
            fs::write(copy.path().join(".dml/data.mdb"), bytes).unwrap();
            for args in [&["status"][..], &["dag", "list"], &["log"]] {
                fails(&copy.dml(args), 1, &["error: ", ".dml"]);
            }
        }
        fs::write(
            &file,
            b"this is no database, but it is longer than nothing".repeat(1000),
        )
        .unwrap();
        fails(&place.dml(&["status"]), 1, &["error: ", ".dml"]);
    }

    #[test]
    fn a_file_where_the_folder_should_be() {
        let place = Place::empty();
        File::create(place.path().join("file")).unwrap();
        fails(
            &place.dml(&["init", "file"]),
            1,
            &["error: cannot make", "file"],
        );
    }
}
