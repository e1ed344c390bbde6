//! The Bazel build, as far as it can be checked without its modules: it knows every
//! crate and platform, it compiles each crate as cargo does, and buildifier likes its
//! files. Copies of facts are `sync`'s.

mod flags;
mod twice;

use std::path::Path;

use crate::context::Context;
use crate::error::Result;
use crate::facts::{self, Crate};
use crate::log::Log;
use crate::npm;
use crate::steps::Done;

/// Where buildifier is pinned.
const BUILDIFIER: &str = "tools/checks/buildifier/";

/// Where it is when it is installed.
const PROGRAM: &str = "node_modules/@bazel/buildifier/buildifier.js";

/// Where the hashes of the compiler's archives are.
const PINS: &str = "tools/bazel/rust/toolchains.MODULE.bazel";

/// Looks for what BUILD files lack, then runs buildifier.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let (compiled, asked) = flags::findings(context, log)?;
    let findings = [unknown(context)?, twice::findings(context, log)?, compiled].concat();
    log.findings(&findings)?;
    let agree = format!("every crate and platform is known; {asked}");
    let Some(program) = npm::program(context, log, BUILDIFIER, PROGRAM)? else {
        return Ok(Done::Skipped(format!(
            "{agree}; buildifier needs npm and its registry"
        )));
    };
    let files: Vec<String> = context
        .files()?
        .into_iter()
        .filter(|file| is_starlark(file))
        .collect();
    let mut command = context.command("node");
    command
        .arg(program)
        .args(["-mode=check", "-lint=warn"])
        .args(&files);
    log.run(&mut command)?;
    Ok(Done::Passed(format!(
        "{agree}; {} files formatted",
        files.len()
    )))
}

fn is_starlark(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or(file);
    let extension = Path::new(name).extension();
    name == "BUILD.bazel" || name.ends_with("MODULE.bazel") || extension == Some("bzl".as_ref())
}

/// Finds crates and platforms that the Bazel build does not know.
fn unknown(context: &Context) -> Result<Vec<String>> {
    let facts = facts::read(context)?;
    let mut findings = Vec::new();
    for member in &facts.crates {
        let path = format!("{}/BUILD.bazel", member.folder);
        if !context.root.join(&path).is_file() {
            findings.push(format!(
                "{path}: is missing; those of other crates show what it holds"
            ));
            continue;
        }
        findings
            .extend(of_crate(member, &context.read(&path)?).map(|text| format!("{path}: {text}")));
    }
    let pins = context.read(PINS)?;
    findings.extend(facts.platforms.iter().filter_map(|platform| {
        let archive = format!("\"rust-std-{{}}-{}.tar.xz\": ", platform.rust_target);
        (!pins.contains(&archive)).then(|| {
            format!("{PINS}: has no line {archive}...; its value is `xz_hash` of the compiler's manifest")
        })
    }));
    Ok(findings)
}

/// Finds what the BUILD file of a crate lacks.
fn of_crate(member: &Crate, build: &str) -> impl Iterator<Item = String> {
    let calls = |rules: &[&str]| {
        rules
            .iter()
            .any(|rule| build.contains(&format!("\n{rule}(")))
    };
    let built: &[&str] = if member.ships {
        // Compiled as wheels hold it, with the features that it has there.
        &["shipped_library", "crate_extension"]
    } else {
        &["crate_library", "crate_program"]
    };
    [
        (!calls(built)).then(|| format!("builds the crate by none of {}", built.join(", "))),
        (member.tested && !calls(&["crate_tests"])).then(|| "has no crate_tests".to_owned()),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starlark_files_are_known_by_name() {
        for file in [
            "BUILD.bazel",
            "crates/a/BUILD.bazel",
            "MODULE.bazel",
            "tools/x.MODULE.bazel",
            "tools/x.bzl",
        ] {
            assert!(is_starlark(file), "{file}");
        }
        for file in [".bazelrc", "docs/guide/bazel.md", "MODULE.bazel.lock"] {
            assert!(!is_starlark(file), "{file}");
        }
    }

    #[test]
    fn a_crate_is_built_as_it_ships_and_tested() {
        let found = |ships, tested, build: &str| {
            let member = Crate {
                folder: "x".to_owned(),
                ships,
                tested,
                needs: Vec::new(),
            };
            of_crate(&member, build).count()
        };
        let library = "\ncrate_library(name = \"x\")\n\ncrate_tests(name = \"tests\")\n";
        let shipped = "\nshipped_library(name = \"x\")\n";
        assert_eq!(found(false, true, library), 0);
        assert_eq!(found(true, true, library), 1, "not as it ships");
        assert_eq!(found(true, true, shipped), 1, "not tested");
        assert_eq!(found(true, false, shipped), 0);
        assert_eq!(found(false, true, ""), 2);
    }
}
