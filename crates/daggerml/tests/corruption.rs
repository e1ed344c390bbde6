//! Damaged files: reads give the right value or a typed error, writes do not crash.
//!
//! Each damaged copy is read in a child process, so that a crash is seen as one.
//! `DML_DAMAGE_ROUNDS` sets how many copies there are (150).
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "helpers of tests fail by panicking; small numbers"
)]

mod support;

use std::ops::Range;
use std::path::Path;

use daggerml::repo::refs::ReadRefs;
use daggerml::value::Value;
use daggerml::{Error, ErrorKind, Repository};
use support::damaged::{DATA, PAGE, each_copy, in_children, number, pristine, task};
use support::{Random, copy_folder};

const DAGS: i64 = 120;

fn value(number: i64) -> Value {
    if number % 10 == 3 {
        // On overflow pages.
        Value::Bytes(vec![
            u8::try_from(number).unwrap();
            9000 + number.unsigned_abs() as usize
        ])
    } else {
        Value::List((0..=number % 7).map(|n| (n * number).into()).collect())
    }
}

fn name(number: i64) -> String {
    format!("dag-{number}")
}

/// A repository of some hundred pages with trees of two levels.
fn make(root: &Path) {
    let repository = Repository::init(root).unwrap();
    for number in 0..DAGS {
        let mut dag = repository.new_dag(&name(number), "m").unwrap();
        for extra in 0..5 {
            dag.put((number * 1000 + extra).into()).unwrap();
        }
        let node = dag.put(value(number)).unwrap();
        dag.commit(node).unwrap();
    }
}

/// Typed errors that damage may give.
fn expected(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::NotFound | ErrorKind::Closed
    )
}

/// Reads everything; panics on a wrong value. The number of errors.
fn read_all(root: &Path, head: &str) -> usize {
    let repository = match Repository::open(root) {
        Ok(repository) => repository,
        Err(error) => {
            assert!(expected(&error), "{error:?}");
            return 1;
        }
    };
    let mut errors = 0;
    let mut note = |error: Box<Error>| {
        assert!(expected(&error), "{error:?}");
        errors += 1;
    };
    match repository.snapshot().and_then(|snapshot| {
        assert_eq!(snapshot.current_branch()?.as_deref(), Some("heads/main"));
        snapshot.head()
    }) {
        Ok(found) => assert_eq!(found.map(|id| id.to_string()).as_deref(), Some(head)),
        Err(error) => note(error),
    }
    for number in 0..DAGS {
        let found = repository
            .load(&name(number))
            .and_then(|view| view.value(view.result()?));
        match found {
            Ok(found) => assert_eq!(found, value(number)),
            Err(error) => note(error),
        }
    }
    errors
}

/// Writes to the damaged store; whether it worked.
fn write_more(root: &Path) -> bool {
    let written = Repository::open(root).and_then(|repository| {
        for number in 0..3i64 {
            let mut dag = repository.new_dag(&format!("more-{number}"), "")?;
            let node = dag.put(Value::Bytes(vec![7; 3000 * number.unsigned_abs() as usize]))?;
            dag.commit(node)?;
        }
        Ok(())
    });
    if let Err(error) = &written {
        assert!(expected(error), "{error:?}");
    }
    written.is_ok()
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) -> &'static str {
    let length = bytes.len() as u64;
    let pages = length / PAGE as u64;
    let any = random.below(length) as usize;
    let page = random.below(pages) as usize * PAGE;
    match random.below(10) {
        0 => {
            bytes[any] ^= 1 << random.below(8);
            "one bit"
        }
        1 => {
            bytes[any] = random.next() as u8;
            "one byte"
        }
        2 | 3 => {
            // A page's header and the places of its entries.
            bytes[page + random.below(64) as usize] ^= 1 << random.below(8);
            "a bit in a header"
        }
        4 => {
            // The header of some entry.
            let at = u16::from_le_bytes([bytes[page + 16], bytes[page + 17]]) as usize;
            let at = (page + at % PAGE + random.below(16) as usize).min(bytes.len() - 1);
            bytes[at] ^= 1 << random.below(8);
            "a bit in an entry's header"
        }
        5 => {
            bytes[page..page + PAGE].fill(0);
            "a zeroed page"
        }
        6 => {
            let other = random.below(pages) as usize * PAGE;
            bytes.copy_within(other..other + PAGE, page);
            "a page over another"
        }
        7 => {
            for _ in 0..50 {
                let at = random.below(length) as usize;
                bytes[at] ^= 1 << random.below(8);
            }
            "fifty bits"
        }
        8 => {
            bytes.truncate(any);
            "cut off"
        }
        _ => {
            bytes[random.below(2) as usize * PAGE + random.below(160) as usize] ^=
                1 << random.below(8);
            "a bit in a meta page"
        }
    }
}

fn rounds(folder: &Path, seeds: Range<u64>) {
    let head = std::fs::read_to_string(folder.join("head")).unwrap();
    let change = |bytes: &mut Vec<u8>, random: &mut Random| damage(bytes, random).to_owned();
    each_copy(folder, seeds, change, |root, _| {
        let errors = read_all(root, &head);
        let written = write_more(root);
        eprintln!("{errors} errors, written: {written}");
        if written {
            let repository = Repository::open(root).unwrap();
            for number in 0..DAGS {
                let found = repository.load(&name(number));
                if let Ok(found) = found.and_then(|view| view.value(view.result()?)) {
                    assert_eq!(found, value(number));
                }
            }
        }
    });
}

#[test]
fn reader() {
    if let Some((seeds, folder)) = task("DML_TEST_DAMAGE") {
        rounds(&folder, seeds);
    }
}

#[test]
fn no_damage_crashes_or_lies() {
    let folder = tempfile::tempdir().unwrap();
    let pristine = pristine(folder.path());
    make(&pristine);
    let repository = Repository::open(&pristine).unwrap();
    let head = repository.head().unwrap().unwrap().to_string();
    drop(repository);
    std::fs::write(folder.path().join("head"), &head).unwrap();
    assert_eq!(read_all(&pristine, &head), 0);
    let seeds = (
        number("DML_DAMAGE_FIRST", 0),
        number("DML_DAMAGE_ROUNDS", 150),
        50,
    );
    let failed = in_children(("reader", "DML_TEST_DAMAGE"), folder.path(), seeds);
    assert!(failed.is_empty(), "{failed}");
}

/// Opening gives this kind of error, with these words.
fn refused(bytes: &[u8], pristine: &Path, words: &str) {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(pristine, folder.path());
    std::fs::write(folder.path().join(DATA), bytes).unwrap();
    let error = Repository::open(folder.path()).err().unwrap();
    let text = error.to_string();
    assert!(
        matches!(
            *error,
            Error::StoreDamaged { .. } | Error::StoreUnsupported { .. }
        ),
        "{error:?}"
    );
    assert!(text.contains(words), "{text}");
}

#[test]
fn truncated_zeroed_and_foreign_files_are_refused_at_open() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let root = folder.path();
    let bytes = std::fs::read(root.join(DATA)).unwrap();
    refused(&[], root, "empty");
    refused(&bytes[..100], root, "cut off");
    refused(&bytes[..PAGE], root, "cut off");
    refused(&bytes[..PAGE * 2], root, "cut off");
    refused(&bytes[..bytes.len() / 2], root, "cut off");
    refused(&bytes[..bytes.len() / 10 * 9], root, "cut off");
    refused(&vec![0; bytes.len()], root, "zeros");
    for page in 0..2 {
        let mut zeroed = bytes.clone();
        zeroed[page * PAGE..(page + 1) * PAGE].fill(0);
        refused(&zeroed, root, "zeros");
    }
    refused(
        b"SQLite format 3\0".repeat(1000).as_slice(),
        root,
        "not a DaggerML store",
    );
    let mut other = bytes.clone();
    other[20] = 2;
    refused(&other, root, "LMDB data version 2");
    let mut other = bytes;
    other[16..20].reverse();
    refused(&other, root, "byte order");
}

/// Before LMDB or anybody touches a page that is gone.
#[test]
fn a_file_that_is_cut_off_while_open_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let repository = Repository::open(folder.path()).unwrap();
    assert!(repository.load(&name(0)).is_ok());
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(folder.path().join(DATA))
        .unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length / 2).unwrap();
    let is_damage = |error: &Error| matches!(error, Error::StoreDamaged { .. });
    assert!(repository.snapshot().is_err_and(|error| is_damage(&error)));
    let written = repository
        .store()
        .write(|txn| txn.put(daggerml::store::Table::Claims, b"x", b""));
    assert!(written.is_err_and(|error| is_damage(&error)));
}
