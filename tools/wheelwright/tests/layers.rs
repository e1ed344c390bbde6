//! The modules of the program's two crates look one way: none of them needs another
//! that needs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use walkdir::WalkDir;

/// For each file or folder directly in `src`, the others that its code names.
fn arrows(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in WalkDir::new(src).into_iter().map(Result::unwrap) {
        let path = entry.path();
        let below = path.strip_prefix(src).unwrap();
        let module = below.iter().next().map(|part| part.to_str().unwrap());
        let Some(module) = module.map(|part| part.trim_end_matches(".rs")) else {
            continue;
        };
        if path.extension() != Some("rs".as_ref()) || ["lib", "main"].contains(&module) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let named = code
            .flat_map(|line| line.split("crate::").skip(1))
            .map(|rest| {
                let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_');
                rest[..end.unwrap_or(rest.len())].to_owned()
            });
        let others = named.filter(|name| name != module && !name.is_empty());
        arrows.entry(module.to_owned()).or_default().extend(others);
    }
    arrows
}

/// The modules that are left when those that need none of the others are taken away,
/// again and again: those of circles, and those that need them.
fn circles(mut arrows: BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    loop {
        let left: BTreeSet<String> = arrows.keys().cloned().collect();
        arrows.retain(|_, needs| !needs.is_disjoint(&left));
        if arrows.len() == left.len() {
            return arrows
                .into_iter()
                .map(|(module, needs)| format!("{module} needs {needs:?}"))
                .collect();
        }
    }
}

fn sources(of: &str) -> BTreeMap<String, BTreeSet<String>> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    arrows(&tools.join(of).join("src"))
}

#[test]
fn no_two_modules_need_each_other() {
    for of in ["wheelwright", "wheelwright-artifacts"] {
        let arrows = sources(of);
        assert!(arrows.len() > 3, "{of}: {arrows:?}");
        assert_eq!(circles(arrows), Vec::<String>::new(), "in {of}");
    }
}

#[test]
fn nobody_needs_the_command_line() {
    let arrows = sources("wheelwright");
    let users: Vec<_> = arrows
        .iter()
        .filter(|(_, needs)| needs.contains("cli"))
        .collect();
    assert!(users.is_empty(), "{users:?}");
    assert!(
        arrows["cli"].contains("build"),
        "the arrows are read wrongly"
    );
}

/// The crates in a folder of the repository, and those of the repository they depend on.
fn dependencies(folder: &str) -> BTreeMap<String, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(root.join(folder)).unwrap() {
        let path = entry.unwrap().path().join("Cargo.toml");
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let manifest: toml::Table = text.parse().unwrap();
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = tables
            .iter()
            .filter_map(|name| manifest.get(*name)?.as_table());
        let names = tables.flat_map(|table| table.keys().cloned()).collect();
        let name = manifest["package"]["name"].as_str().unwrap();
        found.insert(name.to_owned(), names);
    }
    found
}

#[test]
fn what_ships_and_what_builds_it_need_nothing_of_each_other() {
    let (product, tools) = (dependencies("crates"), dependencies("tools"));
    assert!(product.contains_key("daggerml") && tools.contains_key("wheelwright"));
    for (ours, others) in [(&product, &tools), (&tools, &product)] {
        for (name, needs) in ours {
            let wrong: Vec<_> = needs
                .iter()
                .filter(|need| others.contains_key(*need))
                .collect();
            assert!(wrong.is_empty(), "{name} depends on {wrong:?}");
        }
    }
}

#[test]
fn a_circle_is_found() {
    let arrows = |pairs: &[(&str, &str)]| {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            all.entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
            all.entry((*to).to_owned()).or_default();
        }
        all
    };
    assert!(circles(arrows(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(
        circles(arrows(&[("a", "b"), ("b", "c"), ("c", "b")])).len(),
        3
    );
}
