//! How Bazel's own actions compile the crates of a wheel.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::{Crates, Flags, text};
use crate::context::Context;

/// Asks Bazel what it would run for a wheel.
pub fn aquery(context: &Context, platform: &str) -> Command {
    let platform = platform.replace('-', "_");
    let mut command = context.command("bazel");
    command
        .args([
            "aquery",
            "--output=jsonproto",
            "--noshow_progress",
            "--ui_event_filters=-info",
        ])
        .args(["--include_param_files", "--include_file_write_contents"])
        .arg(format!(
            "mnemonic(\"Rustc|FileWrite\", deps(//python/daggerml:extension_{platform}))"
        ));
    command
}

/// What Bazel's actions compile for the platform's wheel, as rustc.sh passes it on.
pub fn crates(answer: &Value, platform: &str) -> Crates {
    // Tools of the build are compiled by the same compiler, but not through rustc.sh.
    let rustc = format!("/tools/bazel/rust/wheel/impl-{platform}/rustc");
    let actions = || answer["actions"].as_array().into_iter().flatten();
    // The toolchain's list: `NAME-VERSION OPT-LEVEL FEATURES...`.
    // An action names a crate as Rust code does, with `_` for each `-`.
    let in_code = |key: &str| key.replace('-', "_");
    let mut listed: BTreeMap<String, (&str, Vec<&str>)> = BTreeMap::new();
    for action in actions().filter(|action| action["mnemonic"] == "FileWrite") {
        for line in action["fileContents"].as_str().unwrap_or_default().lines() {
            if let Some((crate_, rest)) = line.split_once(' ') {
                listed.insert(in_code(crate_), (crate_, rest.split(' ').collect()));
            }
        }
    }
    let mut crates = Crates::new();
    for action in actions().filter(|action| action["mnemonic"] == "Rustc") {
        let own = action["arguments"].as_array().into_iter().flatten();
        let files = action["paramFiles"].as_array().into_iter().flatten();
        let arguments: Vec<&str> = files
            .flat_map(|file| file["arguments"].as_array().into_iter().flatten())
            .chain(own)
            .filter_map(Value::as_str)
            .collect();
        let last = |name: &str| {
            arguments
                .iter()
                .rev()
                .find_map(|word| word.strip_prefix(name))
        };
        if !arguments.iter().any(|word| word.ends_with(&rustc)) {
            continue;
        }
        let variables = action["environmentVariables"].as_array();
        let variable = |name: &str| -> String {
            let mut all = variables.into_iter().flatten();
            let found = all.find(|variable| variable["key"] == name);
            found
                .map(|variable| text(&variable["value"]))
                .unwrap_or_default()
        };
        let key = format!(
            "{}-{}",
            variable("CARGO_PKG_NAME"),
            variable("CARGO_PKG_VERSION")
        );
        let found = listed.get(&in_code(&key)).cloned();
        let (key, told) = found.map_or((key, Vec::new()), |(own, told)| (own.to_owned(), told));
        let lto = match last("--crate-type=") {
            // Bitcode for the linker, as cargo makes it when all is linked with fat LTO.
            Some("rlib") => arguments.contains(&"-Clinker-plugin-lto"),
            _ => arguments.contains(&"-Clto=fat"),
        };
        let flags = Flags {
            features: told.iter().skip(1).map(|&name| name.to_owned()).collect(),
            opt_level: told.first().copied().unwrap_or_default().to_owned(),
            edition: last("--edition=").unwrap_or("2015").to_owned(),
            profile: format!(
                "lto={} codegen-units={} panic={} debuginfo={}",
                if lto { "fat" } else { "off" },
                last("-Ccodegen-units=")
                    .or(last("--codegen=codegen-units="))
                    .unwrap_or("16"),
                last("-Cpanic=")
                    .or(last("--codegen=panic="))
                    .unwrap_or("unwind"),
                last("--codegen=debuginfo=").unwrap_or("0"),
            ),
        };
        crates.insert(key, flags);
    }
    crates
}

#[cfg(test)]
mod tests {
    use super::super::cargo::tests::cargo;
    use super::super::differences;
    use super::*;
    use serde_json::json;

    const WHEEL: &str = "bazel-out/bin/tools/bazel/rust/wheel/impl-p/rustc";

    fn rustc(program: &str, (name, version): (&str, &str), units: &str) -> Value {
        json!({
            "mnemonic": "Rustc",
            "environmentVariables": [
                {"key": "CARGO_PKG_NAME", "value": name},
                {"key": "CARGO_PKG_VERSION", "value": version},
            ],
            "arguments": ["process_wrapper", "--", program, "--crate-type=rlib", "--edition=2021"],
            "paramFiles": [{"arguments": ["--codegen=opt-level=3", units, "-Clinker-plugin-lto"]}],
        })
    }

    #[test]
    fn actions_are_read_as_rustc_gets_them() {
        let found = |units| {
            let answer = json!({"actions": [
                {"mnemonic": "FileWrite", "fileContents": "heed-0.22.1 s a\nheed-types-0.21.0 3\n"},
                rustc(WHEEL, ("heed", "0.22.1"), units),
                rustc(WHEEL, ("heed_types", "0.21.0"), "-Ccodegen-units=1"),
                // A build script: compiled for this machine, by its rustc.
                rustc("bin/rustc", ("heed", "0.0.0"), "-Ccodegen-units=1"),
            ]});
            differences("p", "Bazel", &crates(&answer, "p"), &cargo())
        };
        assert_eq!(found("-Ccodegen-units=1"), Vec::<String>::new());
        let wrong = found("-Ccodegen-units=4");
        assert!(
            wrong.len() == 1 && wrong[0].contains("codegen-units=4"),
            "{wrong:?}"
        );
    }
}
