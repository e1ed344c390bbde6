//! How cargo compiles the crates of a wheel, and what the rules make of its words.

use std::process::Command;

use serde_json::Value;
use toml::Table;

use super::{Crates, EXTENSION, Flags, text, texts};
use crate::context::Context;

/// Asks cargo what it would compile for a wheel; it is only told so by a flag that is
/// not stable, which reads and writes nothing.
pub fn unit_graph(context: &Context, target: &str) -> Command {
    let mut command = context.cargo();
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--package",
            EXTENSION,
        ])
        .args(["--target", target, "--unit-graph", "-Zunstable-options"]);
    command
}

/// Asks cargo for the features of each crate, in the words of `shipped.bzl`.
pub fn tree(context: &Context, target: &str) -> Command {
    let mut command = context.cargo();
    command
        .args([
            "tree",
            "--locked",
            "--package",
            EXTENSION,
            "--target",
            target,
        ])
        .args([
            "--edges=normal,no-proc-macro",
            "--prefix=none",
            "--format={p}|{f}",
        ]);
    command
}

/// The crates of cargo's unit graph that are linked for the target.
pub fn units(graph: &Value, target: &str) -> Crates {
    let units = graph["units"].as_array().into_iter().flatten();
    let linked = units.filter(|unit| {
        let kinds = unit["target"]["kind"].as_array();
        unit["platform"].as_str() == Some(target)
            && unit["mode"] == "build"
            && kinds.is_some_and(|kinds| kinds.iter().all(|kind| kind != "custom-build"))
    });
    linked
        .map(|unit| {
            let (id, profile) = (text(&unit["pkg_id"]), &unit["profile"]);
            let flags = Flags {
                features: texts(&unit["features"]),
                opt_level: text(&profile["opt_level"]),
                edition: text(&unit["target"]["edition"]),
                profile: format!(
                    "lto={} codegen-units={} panic={} debuginfo={}",
                    text(&profile["lto"]),
                    profile["codegen_units"],
                    text(&profile["panic"]),
                    profile["debuginfo"],
                ),
            };
            (package(&id), flags)
        })
        .collect()
}

/// `NAME-VERSION` of a package's identifier, which leaves a name out that is also the
/// folder's.
fn package(id: &str) -> String {
    let (place, rest) = id.rsplit_once('#').unwrap_or_default();
    match rest.split_once('@') {
        Some((name, version)) => format!("{name}-{version}"),
        None => format!("{}-{rest}", place.rsplit('/').next().unwrap_or_default()),
    }
}

/// What rustc.sh would be told without Bazel: features by the tree, opt-levels by the
/// whole name in Cargo.toml. All else is the same for each crate, and `release.bzl`
/// refuses another profile than the one it builds.
pub fn rules(tree: &str, manifest: &Table, cargo: &Crates) -> Crates {
    let release = manifest
        .get("profile")
        .and_then(|profiles| profiles.get("release"));
    let level = |name: &str| -> Option<String> {
        let own = release?.get("package").and_then(|own| own.get(name));
        let level = own.or(release)?.get("opt-level")?;
        Some(level.to_string().trim_matches('"').to_owned())
    };
    let lines = tree.lines().filter_map(|line| {
        let (package, features) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let key = format!("{name}-{version}");
        let flags = Flags {
            features: features
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            opt_level: level(name).unwrap_or_default(),
            ..cargo.get(&key).cloned().unwrap_or_default()
        };
        Some((key, flags))
    });
    lines.collect()
}

#[cfg(test)]
pub mod tests {
    use super::super::differences;
    use super::*;
    use serde_json::json;

    const TARGET: &str = "x86_64-unknown-linux-gnu";

    pub fn cargo() -> Crates {
        let unit = |id: &str,
                    level: &str,
                    features: &[&str],
                    platform: Option<&str>,
                    kind: &str| {
            json!({
                "pkg_id": id, "mode": "build", "features": features, "platform": platform,
                "target": {"kind": [kind], "edition": "2021"},
                "profile": {"opt_level": level, "lto": "fat", "codegen_units": 1, "panic": "unwind", "debuginfo": 0},
            })
        };
        let graph = json!({"units": [
            unit("registry+https://x/index#heed@0.22.1", "s", &["a"], Some(TARGET), "lib"),
            unit("registry+https://x/index#heed-types@0.21.0", "3", &[], Some(TARGET), "lib"),
            unit("registry+https://x/index#syn@3.0.0", "0", &["full"], None, "lib"),
            unit("registry+https://x/index#heed@0.22.1", "0", &[], Some(TARGET), "custom-build"),
        ]});
        units(&graph, TARGET)
    }

    #[test]
    fn the_unit_graph_names_what_is_linked() {
        let cargo = cargo();
        assert_eq!(
            cargo.keys().collect::<Vec<_>>(),
            ["heed-0.22.1", "heed-types-0.21.0"]
        );
        assert_eq!(cargo["heed-0.22.1"].opt_level, "s");
        assert_eq!(package("path+file:///src/crates/one#0.2.0"), "one-0.2.0");
        assert_eq!(
            package("path+file:///src/crates/one#two@0.2.0"),
            "two-0.2.0"
        );
    }

    #[test]
    fn opt_levels_are_those_of_the_whole_name() {
        let manifest =
            "[profile.release]\nopt-level = 3\n[profile.release.package.heed]\nopt-level = \"s\"\n"
                .parse()
                .unwrap();
        let tree = "heed v0.22.1|a\nheed-types v0.21.0|\nheed v0.22.1|a (*)\n";
        let found = differences(
            "p",
            "the rules",
            &rules(tree, &manifest, &cargo()),
            &cargo(),
        );
        assert_eq!(found, Vec::<String>::new());
        let tree = "heed v0.22.1|a,b\nother v1.0.0|\n";
        let found = differences(
            "p",
            "the rules",
            &rules(tree, &manifest, &cargo()),
            &cargo(),
        );
        assert_eq!(
            found,
            [
                "p: heed-0.22.1: the rules: features [b]; cargo: features []",
                "p: heed-types-0.21.0: compiled by cargo, not by the rules",
                "p: other-1.0.0: compiled by the rules, not by cargo",
            ]
        );
    }
}
