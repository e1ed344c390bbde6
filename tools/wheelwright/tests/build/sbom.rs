//! `sbom` of this repository's own extension, by a real cargo.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use wheelwright::sbom::{Subject, cyclonedx, linked};

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/daggerml-python/Cargo.toml")
}

fn bill(target: &str, messages: Option<&[u8]>) -> Value {
    let linked = linked(&manifest(), target, &[], messages).unwrap();
    let subject = Subject {
        name: "demo".into(),
        version: "1.0".into(),
        target: target.into(),
    };
    let text = cyclonedx(&subject, &linked);
    assert_eq!(text, cyclonedx(&subject, &linked), "the same bytes twice");
    serde_json::from_str(&text).unwrap()
}

fn names(bill: &Value) -> Vec<&str> {
    let components = bill["components"].as_array().unwrap();
    components
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_crates_and_the_c_code_they_bring() {
    let bill = bill("x86_64-unknown-linux-gnu", None);
    let names = names(&bill);
    for name in ["pyo3", "heed", "blake3", "LMDB", "BLAKE3 (C and assembly)"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let version = |name: &str| {
        let components = bill["components"].as_array().unwrap();
        let component = components.iter().find(|c| c["name"] == name).unwrap();
        component["version"].as_str().unwrap().to_owned()
    };
    // The C library's version, which is not its crate's.
    assert!(version("LMDB").starts_with("0.9."), "{}", version("LMDB"));
    assert_ne!(version("LMDB"), version("lmdb-master-sys"));
    assert_eq!(version("BLAKE3 (C and assembly)"), version("blake3"));
    // These run on the builder only.
    for name in ["cc", "syn", "pyo3-build-config", "pyo3-macros", "proptest"] {
        assert!(!names.contains(&name), "{name}");
    }
    for component in bill["components"].as_array().unwrap() {
        let registry = component["purl"]
            .as_str()
            .is_some_and(|p| p.starts_with("pkg:cargo/"))
            && !component["name"].as_str().unwrap().starts_with("daggerml");
        assert!(!registry || component["hashes"][0]["content"].as_str().unwrap().len() == 64);
    }
    let references: Vec<&str> = bill["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["ref"].as_str().unwrap())
        .collect();
    assert_eq!(
        references.len(),
        bill["components"].as_array().unwrap().len() + 1 - 2
    );
}

#[test]
fn platforms_differ() {
    let windows = bill("x86_64-pc-windows-gnullvm", None);
    let linux = bill("x86_64-unknown-linux-gnu", None);
    assert_ne!(windows["serialNumber"], linux["serialNumber"]);
}

#[test]
fn messages_of_another_build_are_refused() {
    let error = linked(&manifest(), "x86_64-unknown-linux-gnu", &[], Some(b"{}\n")).unwrap_err();
    assert!(error.to_string().contains("of another build"), "{error}");
}

/// A crate that another is built by, but not made of.
#[test]
fn what_only_runs_while_building_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"*\"]\nresolver = \"2\"\n",
    );
    let mut lock = "version = 4\n".to_owned();
    for (name, more, needs) in [
        (
            "a",
            "license = \"MIT/Apache-2.0\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
             [dependencies]\nlinked = { path = \"../linked\" }\n\
             [target.'cfg(windows)'.dependencies]\nbuild = { path = \"../build\" }\n\
             [build-dependencies]\nbuild = { path = \"../build\" }\n\
             linked = { path = \"../linked\", features = [\"more\"] }\n",
            "dependencies = [\n \"build\",\n \"linked\",\n]\n",
        ),
        ("build", "license = \"LICENSE-APACHE & BSD\"\n", ""),
        (
            "linked",
            "license-file = \"COPYING\"\nrepository = \"git@example.org:a/b\"\n\
             [dependencies]\noptional = { path = \"../optional\", optional = true }\n\
             [features]\nmore = [\"dep:optional\"]\n",
            "dependencies = [\n \"optional\",\n]\n",
        ),
        ("optional", "", ""),
    ] {
        write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}"
            ),
        );
        write(&format!("{name}/src/lib.rs"), "");
        write!(
            lock,
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{needs}"
        )
        .unwrap();
    }
    write("a/build.rs", "fn main() {}");
    write("Cargo.lock", &lock);
    let listed = |target: &str| {
        let linked = linked(&folder.path().join("a/Cargo.toml"), target, &[], None).unwrap();
        let subject = Subject {
            name: "De_mo".into(),
            version: "1.0".into(),
            target: target.into(),
        };
        serde_json::from_str::<Value>(&cyclonedx(&subject, &linked)).unwrap()
    };
    let linux = listed("x86_64-unknown-linux-gnu");
    assert_eq!(names(&linux), ["a", "linked"]);
    let windows = listed("x86_64-pc-windows-gnu");
    assert_eq!(names(&windows), ["a", "build", "linked"]);
    let licence = |place: usize| windows["components"][place]["licenses"][0].to_string();
    assert_eq!(licence(0), "{\"expression\":\"MIT OR Apache-2.0\"}");
    assert_eq!(
        licence(1),
        "{\"license\":{\"name\":\"LICENSE-APACHE & BSD\"}}"
    );
    assert!(licence(2).contains("COPYING"), "{}", licence(2));
    assert!(windows["components"][2].get("externalReferences").is_none());
    assert_eq!(
        windows["metadata"]["component"]["purl"],
        "pkg:pypi/de-mo@1.0"
    );
}
