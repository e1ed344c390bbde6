//! `sbom` of this repository's own extension, by a real cargo.

use std::path::{Path, PathBuf};

use serde_json::Value;
use wheelwright::sbom::{Subject, cyclonedx, linked};

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/daggerml-python/Cargo.toml")
}

fn bill(target: &str, messages: Option<&[u8]>) -> Value {
    let linked = linked(&manifest(), target, messages).unwrap();
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
    let error = linked(&manifest(), "x86_64-unknown-linux-gnu", Some(b"{}\n")).unwrap_err();
    assert!(error.to_string().contains("of another build"), "{error}");
}
