//! The Python packages and their BUILD files.

use toml::Value;

use super::{differ, starlark, table};
use crate::context::Context;
use crate::error::Result;

const RELEASE: &str = "wheelwright.toml";
const TARGETS: &str = "python/BUILD.bazel";

/// Where a BUILD file says something else than wheelwright.toml or a pyproject.
pub fn drift(context: &Context) -> Result<Vec<String>> {
    let release = table(context, RELEASE)?;
    let strings = |name: &str| -> Vec<String> {
        release
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|item| Some(item.as_str()?.to_owned()))
            .collect()
    };
    let packages = strings("packages");
    let build = context.read(TARGETS)?;
    let listed: Vec<String> = [
        starlark::list(&build, "NATIVE"),
        starlark::list(&build, "PURE"),
    ]
    .concat()
    .iter()
    .map(|package| format!("python/{package}"))
    .collect();
    let mut findings: Vec<String> = differ(TARGETS, &listed, RELEASE, &packages)
        .into_iter()
        .collect();
    for package in &packages {
        let pyproject = table(context, &format!("{package}/pyproject.toml"))?;
        let path = format!("{package}/BUILD.bazel");
        let build = context.read(&path)?;
        findings.extend(
            one(&pyproject, &build)
                .into_iter()
                .map(|finding| format!("{path}: {finding}")),
        );
    }
    Ok(findings)
}

/// Compares one package's metadata and BUILD file.
fn one(pyproject: &toml::Table, build: &str) -> Vec<String> {
    let at = |path: &[&str]| {
        let start = pyproject.get(*path.first()?)?;
        path[1..]
            .iter()
            .try_fold(start, |value, key| value.get(*key))?
            .as_str()
    };
    let manifest = at(&["tool", "maturin", "manifest-path"]);
    let extension: Vec<String> = manifest
        .and_then(|path| path.strip_suffix("/Cargo.toml")?.rsplit('/').next())
        .map(str::to_owned)
        .into_iter()
        .collect();
    let abi = |name: &str| at(&["tool", "wheelwright", name]);
    let abi: Vec<String> = abi("python-tag")
        .zip(abi("abi-tag"))
        .map(|(python, abi)| format!("{python}-{abi}"))
        .into_iter()
        .collect();
    let name: Vec<String> = at(&["project", "name"])
        .map(str::to_owned)
        .into_iter()
        .collect();
    let calls = starlark::calls(build, "python_package").concat();
    // A call in one line has its arguments behind each other.
    let calls = calls.replace(", ", ",\n");
    [
        differ(
            "name",
            &starlark::values(&calls, "name"),
            "pyproject.toml",
            &name,
        ),
        differ(
            "extension",
            &starlark::values(&calls, "extension"),
            "pyproject.toml",
            &extension,
        ),
        differ(
            "python_abi",
            &starlark::values(&calls, "python_abi"),
            "pyproject.toml",
            &abi,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &str = "[project]\nname = \"x\"\n[tool.maturin]\nmanifest-path = \"../../crates/x-python/Cargo.toml\"\n[tool.wheelwright]\npython-tag = \"cp39\"\nabi-tag = \"abi3\"\n";

    #[test]
    fn a_package_says_what_its_pyproject_says() {
        let native = "\npython_package(\n    name = \"x\",\n    extension = \"x-python\",\n    python_abi = \"cp39-abi3\",\n)\n";
        assert!(one(&NATIVE.parse().unwrap(), native).is_empty());
        let pure = "\npython_package(name = \"x\")\n";
        assert!(one(&"[project]\nname = \"x\"\n".parse().unwrap(), pure).is_empty());
        assert_eq!(one(&NATIVE.parse().unwrap(), pure).len(), 2);
        assert_eq!(
            one(&"[project]\nname = \"y\"\n".parse().unwrap(), pure).len(),
            1
        );
    }
}
