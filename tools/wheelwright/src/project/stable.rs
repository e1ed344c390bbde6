//! Which stable interface of Python an extension asks `PyO3` for: by the features of its own
//! crate, and of the crates that lie beside it and are compiled with it. It is read from
//! files: no program is started.

use std::collections::BTreeSet;
use std::path::PathBuf;

use toml::{Table, Value};

use super::cargo_toml::{BINDINGS, CargoToml, package_of, strings};

/// What the features of a crate ask of `PyO3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stable {
    /// The version-specific interface.
    No,
    /// The stable interface of CPython 3 from this minor version on; from the oldest
    /// that the project supports, if none is said.
    From(Option<u32>),
}

/// The features that are asked of one crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    features: BTreeSet<String>,
    no_default: bool,
    all: bool,
}

/// What is known while crates are looked at.
#[derive(Debug, Default)]
struct Found {
    /// The features of `PyO3`.
    features: BTreeSet<String>,
    /// The crates that were looked at, with what was asked of them.
    seen: BTreeSet<(PathBuf, Asked)>,
}

/// The features that a crate has with those asked for, and what they switch on.
struct On(BTreeSet<String>);

impl CargoToml {
    /// What the crate and its `features` ask of `PyO3` by its features `abi3...`, or by
    /// another `family` (`abi3t`); the default ones count unless `no_default`, and `all`
    /// are all.
    pub fn stable(&self, family: &str, features: &[String], no_default: bool, all: bool) -> Stable {
        let features = features
            .iter()
            .flat_map(|feature| feature.split([',', ' ']))
            .map(str::to_owned)
            .collect();
        let mut found = Found::default();
        let asked = Asked {
            features,
            no_default,
            all,
        };
        find(self, asked, true, &mut found);
        let version = |feature: &String| {
            let version = feature.strip_prefix(family)?.strip_prefix("-py3")?;
            version.parse().ok()
        };
        match found.features.iter().filter_map(version).min() {
            Some(minor) => Stable::From(Some(minor)),
            None if found.features.contains(family) => Stable::From(None),
            None => Stable::No,
        }
    }
}

/// Adds what a crate asks of `PyO3`, and what the crates beside it ask. An extension is
/// compiled with `PyO3` whatever its manifest says; another crate only if it is `on` there.
fn find(crate_: &CargoToml, asked: Asked, is_extension: bool, found: &mut Found) {
    if !found.seen.insert((crate_.path.clone(), asked.clone())) {
        return;
    }
    let on = On::of(crate_, asked);
    for (name, stated) in crate_.dependencies().flatten() {
        let optional = stated.get("optional").and_then(Value::as_bool) == Some(true);
        let is_binding = BINDINGS.contains(&package_of(name, stated));
        if optional && !on.switches(name) && !(is_binding && is_extension) {
            continue;
        }
        let (path, shared) = crate_.dependency(name, stated);
        let features = strings(stated.get("features"))
            .chain(strings(shared.and_then(|shared| shared.get("features"))))
            .chain(on.of_dependency(name));
        if is_binding {
            found.features.extend(features);
        } else if let Some(Ok(other)) =
            path.map(|folder| CargoToml::read(&folder.join("Cargo.toml")))
        {
            let default = |value: Option<&Value>| value?.get("default-features")?.as_bool();
            let asked = Asked {
                features: features.collect(),
                no_default: default(Some(stated)).or(default(shared)) == Some(false),
                all: false,
            };
            find(&other, asked, false, found);
        }
    }
}

impl On {
    fn of(crate_: &CargoToml, asked: Asked) -> Self {
        let own = crate_.table.get("features").and_then(Value::as_table);
        let mut queue: Vec<String> = asked.features.into_iter().collect();
        if !asked.no_default {
            queue.push("default".to_owned());
        }
        if asked.all {
            queue.extend(own.into_iter().flat_map(Table::keys).cloned());
        }
        let mut features = BTreeSet::new();
        while let Some(feature) = queue.pop() {
            if features.insert(feature.clone()) {
                queue.extend(strings(own.and_then(|own| own.get(&feature))));
            }
        }
        Self(features)
    }

    /// Is an optional dependency of this name switched on?
    fn switches(&self, name: &str) -> bool {
        self.0.iter().any(|feature| {
            let feature = feature.strip_prefix("dep:").unwrap_or(feature);
            feature == name || feature.split_once('/').is_some_and(|(one, _)| one == name)
        })
    }

    /// The features that are asked of a dependency by `NAME/FEATURE`.
    fn of_dependency(&self, name: &str) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(move |feature| {
            let (dependency, feature) = feature.split_once('/')?;
            (dependency.trim_end_matches('?') == name).then(|| feature.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(text: &str) -> CargoToml {
        CargoToml {
            path: "Cargo.toml".into(),
            table: text.parse().unwrap(),
            workspace: None,
        }
    }

    #[test]
    fn the_stable_interface_is_found_wherever_it_is_asked_for() {
        let features = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (text, asked, wanted) in [
            ("[dependencies]\npyo3 = '0.29'", vec![], Stable::No),
            (
                "[dependencies]\npyo3 = { version = '0.29', features = ['abi3-py310', 'abi3-py39'] }",
                vec![],
                Stable::From(Some(9)),
            ),
            (
                "[dependencies.py]\npackage = 'pyo3'\nfeatures = ['abi3']",
                vec![],
                Stable::From(None),
            ),
            (
                "[features]\ndefault = ['fast']\nfast = ['pyo3/abi3-py311']\n[dependencies]\npyo3 = '1'",
                vec![],
                Stable::From(Some(11)),
            ),
            (
                "[target.'cfg(unix)'.dependencies]\npyo3 = '1'",
                features(&["pyo3/abi3-py38"]),
                Stable::From(Some(8)),
            ),
            (
                "[dependencies]\nother = '1'",
                features(&["other/abi3-py38"]),
                Stable::No,
            ),
        ] {
            assert_eq!(
                manifest(text).stable("abi3", &asked, false, false),
                wanted,
                "{text}"
            );
        }
        let hidden = "[features]\ndefault = ['pyo3/abi3']\n[dependencies]\npyo3 = '1'";
        let stable = |all| manifest(hidden).stable("abi3", &[], true, all);
        assert_eq!(stable(false), Stable::No);
        assert_eq!(stable(true), Stable::From(None));
        let both =
            "[dependencies]\npyo3 = { version = '1', features = ['abi3-py39', 'abi3t-py315'] }";
        let of = |family| manifest(both).stable(family, &[], false, false);
        assert_eq!(of("abi3"), Stable::From(Some(9)));
        assert_eq!(of("abi3t"), Stable::From(Some(15)));
    }

    #[test]
    fn crates_beside_the_extension_ask_too() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name).join("Cargo.toml");
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        write(
            "",
            "[workspace]\nmembers = ['*']\n[workspace.dependencies]\ncore = { path = 'core' }\n",
        );
        write(
            "core",
            "[features]\ndefault = []\npython = ['dep:pyo3']\nnewer = ['pyo3/abi3-py312']\n\
             [dependencies]\npyo3 = { version = '0.29', optional = true, features = ['abi3-py310'] }\n\
             [dependencies.extension]\npath = '../extension'\n",
        );
        for (core, wanted) in [
            ("core.workspace = true", Stable::No),
            (
                "core = { workspace = true, features = ['python'] }",
                Stable::From(Some(10)),
            ),
            (
                "core = { path = '../core', features = ['python', 'newer'] }",
                Stable::From(Some(10)),
            ),
            (
                "core = { path = '../core', features = ['python'], optional = true }",
                Stable::No,
            ),
            ("core = { path = '../gone' }", Stable::No),
        ] {
            let text = format!("[dependencies]\npyo3 = '0.29'\n{core}\n");
            let extension = CargoToml::read(&write("extension", &text)).unwrap();
            let stable = extension.stable("abi3", &[], false, false);
            assert_eq!(stable, wanted, "{core}");
        }
    }
}
