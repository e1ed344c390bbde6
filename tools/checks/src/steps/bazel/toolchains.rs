//! The platform table and the toolchains of the Bazel build.

use toml::Value;

use super::{differ, starlark, table};
use crate::context::Context;
use crate::error::Result;

const ROWS: &str = "tools/wheelwright/src/toolchain/platforms.toml";
const TABLE: &str = "tools/bazel/platforms/table.bzl";
const PINS: &str = "tools/bazel/rust/toolchains.MODULE.bazel";
const RUST: &str = "rust-toolchain.toml";

/// Where the table or the pins say something else than wheelwright and rustup.
pub fn drift(context: &Context) -> Result<Vec<String>> {
    let rows = table(context, ROWS)?;
    let field = |name: &str| -> Vec<String> {
        rows.get("platform")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|row| Some(row.get(name)?.as_str()?.to_owned()))
            .collect()
    };
    let ours = context.read(TABLE)?;
    let pins = context.read(PINS)?;
    let rust = table(context, RUST)?;
    let toolchain = |name: &str| rust.get("toolchain").and_then(|t| t.get(name));
    let channel = toolchain("channel")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let targets = toolchain("targets").and_then(Value::as_array);
    let mut targets: Vec<String> = targets
        .into_iter()
        .flatten()
        .filter_map(|target| Some(target.as_str()?.to_owned()))
        .collect();
    targets.sort();
    let mut pinned = keys(&pins, "RUST_TARGETS");
    pinned.sort();

    let mut findings: Vec<String> = [
        differ(TABLE, &keys(&ours, "PLATFORMS"), ROWS, &field("name")),
        differ(
            TABLE,
            &starlark::values(&ours, "wheel_tag"),
            ROWS,
            &field("wheel-tag"),
        ),
        differ(
            TABLE,
            &starlark::values(&ours, "rust_target"),
            ROWS,
            &field("rust-target"),
        ),
        differ(
            TABLE,
            &starlark::values(&ours, "zig_target"),
            ROWS,
            &field("zig-target"),
        ),
        differ(PINS, &pinned, RUST, &targets),
        differ(
            PINS,
            &starlark::values(&pins, "RUST_VERSION"),
            RUST,
            &[channel.to_owned()],
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    findings.extend(
        keys(&pins, "RUST_SHA256S")
            .into_iter()
            .filter(|archive| !archive.contains(&format!("-{channel}-")))
            .map(|archive| format!("{PINS} pins {archive}, but {RUST} has {channel}")),
    );
    let bazel = context.read(".bazelversion")?;
    if !is_version(bazel.trim_end()) {
        findings.push(format!(
            ".bazelversion is {bazel:?}, not a version such as 7.7.1"
        ));
    }
    Ok(findings)
}

/// The keys of a dictionary: the strings that a colon follows, at its own level.
fn keys(text: &str, name: &str) -> Vec<String> {
    starlark::block(text, name)
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| {
            let (key, _) = line.strip_prefix("    \"")?.split_once("\": ")?;
            Some(key.to_owned())
        })
        .collect()
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_dictionary_itself() {
        let text =
            "A = {\n    \"a\": struct(\n        x = {\"b\": 1},\n    ),\n    \"c\": [\"d\"],\n}\n";
        assert_eq!(keys(text, "A"), ["a", "c"]);
    }

    #[test]
    fn a_bazel_version_is_exact() {
        assert!(is_version("7.7.1"));
        for text in ["", "7", "7.x", "7.7.1.2", "latest"] {
            assert!(!is_version(text), "{text}");
        }
    }
}
