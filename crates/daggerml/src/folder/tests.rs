//! Folders as they are used, and what is refused.

use std::fs;
use std::io::Write;

use super::{Access, Folder, Sharing, check_same};
use crate::error::{Error, UnsafeReason};

/// Returns a folder like a repository's.
fn made() -> (tempfile::TempDir, Folder) {
    let above = tempfile::tempdir().unwrap();
    let folder = Folder::make(&above.path().join(".dml"), Sharing::Private).unwrap();
    (above, folder.unwrap())
}

fn refused<T>(result: Result<T, Box<Error>>) -> UnsafeReason {
    match result.map_err(|error| *error) {
        Err(Error::Unsafe { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was used"),
    }
}

#[test]
fn what_is_not_there_is_no_error() {
    let (above, folder) = made();
    assert!(Folder::open(&above.path().join("none")).unwrap().is_none());
    assert!(
        Folder::open(&above.path().join("none/none"))
            .unwrap()
            .is_none()
    );
    assert!(folder.file("none", Access::Write).unwrap().is_none());
    assert!(folder.folder("none").unwrap().is_none());
    assert!(folder.read("none", 1).unwrap().is_none());
    assert!(folder.look("none").unwrap().is_none());
    let again = Folder::make(&above.path().join(".dml"), Sharing::Private);
    assert!(again.unwrap().is_none());
}

#[test]
fn names_lead_nowhere_else() {
    let (above, folder) = made();
    fs::write(above.path().join("victim"), "precious").unwrap();
    for name in [
        "",
        ".",
        "..",
        "../victim",
        "a/b",
        "a\\b",
        "c:x",
        "x\0y",
        "/etc",
    ] {
        assert!(folder.file(name, Access::Read).is_err(), "{name:?}");
        assert!(folder.look(name).is_err(), "{name:?}");
        assert!(folder.create(name).is_err(), "{name:?}");
        assert!(folder.remove(name).is_err(), "{name:?}");
        assert!(folder.folder(name).is_err(), "{name:?}");
    }
    assert_eq!(fs::read(above.path().join("victim")).unwrap(), b"precious");
}

#[test]
fn files_are_made_once_and_replaced_whole() {
    let (_above, folder) = made();
    folder.create("a").unwrap().write_all(b"old").unwrap();
    assert!(folder.create("a").is_err());
    folder.publish("a", b"new").unwrap();
    assert_eq!(folder.read("a", 9).unwrap().unwrap(), b"old");
    folder.replace("a", b"newer").unwrap();
    assert_eq!(folder.read("a", 9).unwrap().unwrap(), b"newer");
    folder.publish("b", b"made").unwrap();
    assert_eq!(folder.read("b", 9).unwrap().unwrap(), b"made");
    assert!(matches!(
        refused(folder.read("b", 3)),
        UnsafeReason::TooLarge { most: 3 }
    ));
    let mut names = folder.names().unwrap();
    names.sort();
    assert_eq!(names, ["a", "b"], "temporary files are gone");
}

#[test]
fn a_spool_goes_away_by_itself() {
    let (_above, folder) = made();
    let mut spool = folder.spool("bundle").unwrap();
    spool.write_all(b"much").unwrap();
    drop(spool);
    assert!(folder.names().unwrap().is_empty());
}

#[test]
fn a_file_that_another_took_the_place_of() {
    let (above, folder) = made();
    let judged = folder.create("data.mdb").unwrap();
    let path = above.path().join(".dml/data.mdb");
    check_same(&judged, &fs::File::open(&path).unwrap(), &path).unwrap();
    if cfg!(unix) {
        folder.replace("data.mdb", b"").unwrap();
        let opened = fs::File::open(&path).unwrap();
        let reason = refused(check_same(&judged, &opened, &path));
        assert!(matches!(reason, UnsafeReason::Replaced));
    }
}

#[cfg(unix)]
#[test]
fn links_are_refused_and_stay() {
    use std::os::unix::fs::symlink;
    let (above, folder) = made();
    let (outer, dml) = (above.path(), above.path().join(".dml"));
    fs::write(outer.join("victim"), "precious").unwrap();
    symlink("../victim", dml.join("link")).unwrap();
    symlink("..", dml.join("above")).unwrap();
    symlink(&dml, outer.join("other")).unwrap();
    for access in [Access::Read, Access::Write] {
        refused(folder.file("link", access));
    }
    refused(folder.folder("above"));
    refused(folder.folder_or_new("link"));
    refused(Folder::open(&outer.join("other")));
    refused(Folder::open(&outer.join("other/")));
    // A link in the place of what is replaced is replaced itself.
    folder.replace("link", b"new").unwrap();
    assert_eq!(folder.read("link", 9).unwrap().unwrap(), b"new");
    assert_eq!(fs::read(outer.join("victim")).unwrap(), b"precious");
    // Above the folder, they are the user's business.
    symlink(outer, outer.join("here")).unwrap();
    assert!(Folder::open(&outer.join("here/.dml")).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn files_with_other_names_are_refused() {
    let (above, folder) = made();
    fs::write(above.path().join("victim"), "precious").unwrap();
    fs::hard_link(above.path().join("victim"), above.path().join(".dml/a")).unwrap();
    let reason = refused(folder.file("a", Access::Write));
    assert_eq!(reason, UnsafeReason::Names { names: 2 });
}
