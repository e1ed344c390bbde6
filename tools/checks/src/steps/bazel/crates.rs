//! Cargo's manifests and the BUILD files beside them.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::{differ, starlark, table};
use crate::context::Context;
use crate::error::Result;

/// Where the crates are that wheels hold.
const SHIPPED: &str = "crates/";

/// Where a BUILD file and its Cargo.toml say different things.
pub fn drift(context: &Context) -> Result<Vec<String>> {
    let root = table(context, "Cargo.toml")?;
    let shared = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"))
        .and_then(Value::as_table)
        .cloned()
        .unwrap_or_default();
    let files: BTreeSet<String> = context.files()?.into_iter().collect();
    let mut members: Vec<&str> = files.iter().filter_map(|file| member(file)).collect();
    members.sort_unstable(); // not as whole paths: there `-` comes before `/`
    let mut findings = Vec::new();

    let listed: Vec<String> = starlark::list(&context.read("BUILD.bazel")?, "srcs")
        .iter()
        .filter_map(|label| Some(label.strip_prefix("//")?.strip_suffix(":crate")?.to_owned()))
        .collect();
    let expected: Vec<String> = members.iter().map(|folder| (*folder).to_owned()).collect();
    findings.extend(differ(
        "BUILD.bazel, :cargo_workspace",
        &listed,
        "Cargo.toml",
        &expected,
    ));
    findings.extend(shipped(&context.read("MODULE.bazel")?, &members));
    for folder in members {
        let build = format!("{folder}/BUILD.bazel");
        if !files.contains(&build) {
            findings.push(format!(
                "{folder} is a crate without a BUILD.bazel; the others' show what it holds"
            ));
            continue;
        }
        let manifest = table(context, &format!("{folder}/Cargo.toml"))?;
        findings.extend(
            one(&manifest, &context.read(&build)?, &shared, folder)
                .into_iter()
                .map(|finding| format!("{build}: {finding}")),
        );
    }
    Ok(findings)
}

/// Are the crates that ship the workspace that wheels are compiled from?
fn shipped(module: &str, members: &[&str]) -> Option<String> {
    let calls = starlark::calls(module, "shipped_workspace");
    let mut listed: Vec<String> = calls
        .iter()
        .flat_map(|call| starlark::list(call, "members"))
        .filter_map(|label| {
            Some(
                label
                    .strip_prefix("//")?
                    .strip_suffix(":Cargo.toml")?
                    .to_owned(),
            )
        })
        .collect();
    listed.sort_unstable();
    let expected: Vec<String> = members
        .iter()
        .filter(|folder| folder.starts_with(SHIPPED))
        .map(|folder| (*folder).to_owned())
        .collect();
    differ(
        "MODULE.bazel, shipped_workspace",
        &listed,
        "Cargo.toml",
        &expected,
    )
}

/// The folder of a workspace member, by its manifest's path.
fn member(file: &str) -> Option<&str> {
    let folder = file.strip_suffix("/Cargo.toml")?;
    let (group, name) = folder.split_once('/')?;
    (["crates", "tools"].contains(&group) && !name.contains('/')).then_some(folder)
}

/// Compares one crate's manifest and BUILD file.
fn one(manifest: &Table, build: &str, shared: &Table, folder: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let name = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let plain = starlark::calls(build, "crate_library");
    if folder.starts_with(SHIPPED) && !plain.is_empty() {
        findings.push(format!(
            "crate {name} is in wheels: it is a shipped_library, not a crate_library"
        ));
    }
    let libraries = [
        plain,
        starlark::calls(build, "shipped_library"),
        starlark::calls(build, "crate_extension"),
    ]
    .concat();
    let expected: Vec<String> = local(manifest, "dependencies", shared)
        .into_iter()
        .map(|path| format!("//{path}"))
        .collect();
    // A crate without a library is its program; one with both names itself.
    let own = |deps: Vec<String>| -> Vec<String> {
        deps.into_iter()
            .filter(|label| !label.starts_with(':'))
            .collect()
    };
    let targets = if libraries.is_empty() {
        starlark::calls(build, "crate_program")
    } else {
        libraries
    };
    if targets.is_empty() {
        findings.push(format!("nothing builds crate {name}"));
    }
    for target in &targets {
        let deps = own(starlark::list(target, "deps"));
        findings.extend(differ("deps", &deps, "Cargo.toml", &expected));
    }
    let library = manifest
        .get("lib")
        .and_then(|lib| lib.get("name"))
        .and_then(Value::as_str);
    if let Some(library) = library {
        findings.extend(differ(
            "crate_name",
            &starlark::values(build, "crate_name"),
            "[lib]",
            &[library.to_owned()],
        ));
    }
    let tested =
        manifest.get("lib").and_then(|lib| lib.get("test")) != Some(&Value::Boolean(false));
    if tested && starlark::calls(build, "crate_tests").is_empty() {
        findings.push("has no crate_tests".to_owned());
    }
    findings
}

/// The folders of the crates of this repository that a manifest names.
fn local(manifest: &Table, section: &str, shared: &Table) -> Vec<String> {
    let dependencies = manifest.get(section).and_then(Value::as_table);
    let mut found: Vec<String> = dependencies
        .into_iter()
        .flatten()
        .filter(|(_, dependency)| dependency.get("workspace") == Some(&Value::Boolean(true)))
        .filter_map(|(name, _)| Some(shared.get(name)?.get("path")?.as_str()?.to_owned()))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: &str = "one = { path = \"crates/one\", version = \"1\" }\nclap = \"4\"\n";
    const MANIFEST: &str =
        "[package]\nname = \"two\"\n[dependencies]\none.workspace = true\nclap.workspace = true\n";

    fn findings(manifest: &str, build: &str) -> Vec<String> {
        let (manifest, shared) = (manifest.parse().unwrap(), SHARED.parse().unwrap());
        one(&manifest, build, &shared, "tools/two")
    }

    #[test]
    fn a_crate_of_the_repository_must_be_named() {
        let build = |deps: &str| {
            format!(
                "\ncrate_library(\n    name = \"two\",\n    deps = [{deps}],\n)\n\ncrate_tests(\n    name = \"tests\",\n)\n"
            )
        };
        assert!(findings(MANIFEST, &build("\"//crates/one\"")).is_empty());
        for wrong in ["", "\"//crates/one\", \"//crates/other\""] {
            assert_eq!(findings(MANIFEST, &build(wrong)).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn a_crate_must_be_built_and_tested() {
        assert_eq!(findings("[package]\nname = \"two\"\n", "").len(), 2);
    }

    #[test]
    fn what_ships_is_compiled_as_wheels_hold_it() {
        let manifest = "[package]\nname = \"one\"\n[lib]\ntest = false\n"
            .parse()
            .unwrap();
        for (rule, wrong) in [("crate_library", 1), ("shipped_library", 0)] {
            let build = format!("\n{rule}(\n    name = \"one\",\n)\n");
            let found = one(&manifest, &build, &Table::new(), "crates/one");
            assert_eq!(found.len(), wrong, "{found:?}");
        }
        let module = "\nshipped_workspace(\n    members = [\n        \"//crates/one:Cargo.toml\",\n    ],\n)\n";
        assert_eq!(shipped(module, &["crates/one", "tools/two"]), None);
        assert!(shipped(module, &["crates/one", "crates/two"]).is_some());
    }

    #[test]
    fn members_are_one_level_deep() {
        assert_eq!(member("crates/one/Cargo.toml"), Some("crates/one"));
        assert_eq!(member("crates/one/fuzz/Cargo.toml"), None);
        assert_eq!(member("Cargo.toml"), None);
    }
}
