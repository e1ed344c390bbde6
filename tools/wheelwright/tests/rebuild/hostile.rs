//! Sdists that mean ill: nothing is written outside, and no code of theirs runs.

use std::path::Path;

use super::{BACKEND, PYPROJECT, Release};

/// A tar with the usual files and one member more.
fn tar(path: &str, kind: tar::EntryType, link: Option<&str>) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let usual = [
        ("demo-1.0/pyproject.toml", PYPROJECT),
        ("demo-1.0/backend.py", BACKEND),
        ("demo-1.0/demo.py", "x = 1\n"),
        ("demo-1.0/how", ""),
    ];
    for (path, text) in usual {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    // Past what the library lets one write.
    let mut header = tar::Header::new_gnu();
    let name = &mut header.as_old_mut().name;
    name[..path.len()].copy_from_slice(path.as_bytes());
    if let Some(link) = link {
        let name = &mut header.as_old_mut().linkname;
        name[..link.len()].copy_from_slice(link.as_bytes());
    }
    header.set_entry_type(kind);
    header.set_mode(0o755);
    header.set_size(0);
    header.set_cksum();
    tar.append(&header, &[][..]).unwrap();
    tar.into_inner().unwrap()
}

#[test]
fn members_that_lead_elsewhere_are_refused() {
    use tar::EntryType as Type;
    let release = Release::whole("", "1700000000");
    for (path, kind, link, problem) in [
        (
            "demo-1.0/../../evil",
            Type::Regular,
            None,
            "leads elsewhere",
        ),
        (
            "/tmp/wheelwright-evil",
            Type::Regular,
            None,
            "leads elsewhere",
        ),
        (
            "demo-1.0/a\\..\\..\\evil",
            Type::Regular,
            None,
            "leads elsewhere",
        ),
        ("demo-1.0/C:evil", Type::Regular, None, "leads elsewhere"),
        (
            "other/evil",
            Type::Regular,
            None,
            "more than one top folder",
        ),
        (
            "demo-1.0/link",
            Type::Symlink,
            Some("/etc/passwd"),
            "a link out of it",
        ),
        (
            "demo-1.0/link",
            Type::Symlink,
            Some("../../demo.py"),
            "a link out of it",
        ),
        (
            "demo-1.0/link",
            Type::Link,
            Some("../demo.py"),
            "a link out of it",
        ),
        ("demo-1.0/pipe", Type::Fifo, None, "a device"),
        ("demo-1.0/null", Type::Char, None, "a device"),
    ] {
        release.write_sdist(&tar(path, kind, link));
        let said = release.rebuild(2, &[]);
        assert!(said.contains(problem), "{path}: {said}");
    }
    assert!(!Path::new("/tmp/wheelwright-evil").exists());
    // A link to a file of the sdist is that file.
    for (kind, link) in [(Type::Symlink, "demo.py"), (Type::Link, "demo-1.0/demo.py")] {
        release.write_sdist(&tar("demo-1.0/link", kind, Some(link)));
        release.rebuild(0, &[]);
    }
}

#[test]
fn requirements_that_are_none_go_to_no_installer() {
    let release = Release::whole("", "1700000000");
    for (requires, problem) in [
        ("--index-url http://127.0.0.1:1/", "is not a requirement"),
        (
            "demo @ http://127.0.0.1:1/demo-1.0.tar.gz",
            "names an address",
        ),
    ] {
        let text = PYPROJECT.replace("[]", &format!("[\"{requires}\"]"));
        release.pack(&[("demo-1.0/pyproject.toml", &text)]);
        let said = release.rebuild(2, &[]);
        assert!(said.contains(problem), "{said}");
    }
    // No member at all, and a file that is no archive.
    for bytes in [&b"no archive"[..], &[]] {
        std::fs::write(release.path("dist").join(super::SDIST), bytes).unwrap();
        release.rebuild(2, &[]);
    }
}
