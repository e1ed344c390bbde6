//! The flake: its format, names that nothing uses, the hashes that it shares with
//! wheelwright, and its lock file where there is a Nix to ask. What it builds is
//! `nix flake check`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;

/// The linter, started as a program: its licence keeps it from being linked into ours.
const DEADNIX: &str = "deadnix@1.3.1";

/// Where wheelwright pins its tools, and where the flake repeats that.
const PINNED_BY: &str = "nix/pinned-tools.nix";
const PINS: &str = "tools/wheelwright/src/toolchain/requirements/";

/// Checks every Nix file, and the lock where there is a Nix.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let files = context.files()?;
    let is_nix = |file: &&String| PathBuf::from(file).extension().is_some_and(|e| e == "nix");
    let sources: Vec<&String> = files.iter().filter(is_nix).collect();
    let mut findings = Vec::new();
    for file in &sources {
        findings.extend(format_of(file, &context.read(file)?));
    }
    let mut pinned = String::new();
    for file in files.iter().filter(|file| file.starts_with(PINS)) {
        pinned.push_str(&context.read(file)?);
    }
    findings.extend(pins(&context.read(PINNED_BY)?, &pinned));
    log.findings(&findings)?;
    let mut deadnix = context.command(deadnix(context, log)?);
    log.run(deadnix.arg("--fail").args(&sources))?;
    let nix = if has_nix(context) {
        // Fails if Nix itself would write another lock file.
        let mut command = context.command("nix");
        command.args(["--extra-experimental-features", "nix-command flakes"]);
        log.run(command.args(["flake", "lock", "--no-update-lock-file"]))?;
        "Nix agrees with the lock"
    } else {
        "no nix here to ask about the lock"
    };
    Ok(Done::Passed(format!("{} files; {nix}", sources.len())))
}

fn has_nix(context: &Context) -> bool {
    let version = context.command("nix").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Finds nothing if nixfmt would write the file as it is.
fn format_of(file: &str, text: &str) -> Option<String> {
    match nixfmt_rs::format(text) {
        Ok(formatted) if formatted == text => None,
        Ok(formatted) => {
            let pairs = text.lines().zip(formatted.lines());
            let same = pairs.take_while(|(ours, theirs)| ours == theirs).count();
            let line = formatted.lines().nth(same).unwrap_or_default();
            Some(format!(
                "{file}: line {}: nixfmt writes {line:?}; run `nix fmt`",
                same + 1
            ))
        }
        Err(error) => Some(format!(
            "{file}: {}",
            nixfmt_rs::format_error(text, None, &error)
        )),
    }
}

/// Finds hashes that the flake has and wheelwright does not.
fn pins(flake: &str, requirements: &str) -> Vec<String> {
    let is_hash = |word: &&str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let hashes: BTreeSet<&str> = flake.split('"').filter(is_hash).collect();
    let unknown = hashes
        .iter()
        .filter(|hash| !requirements.contains(&format!("sha256:{hash}")))
        .map(|hash| format!("{PINNED_BY}: {hash} is no hash of {PINS}"));
    unknown
        .chain(
            hashes
                .is_empty()
                .then(|| format!("{PINNED_BY}: has no hashes")),
        )
        .collect()
}

/// Returns the linter: the machine's own, or built into `target/checks`.
fn deadnix(context: &Context, log: &mut Log) -> Result<PathBuf> {
    let (_, version) = DEADNIX.split_once('@').unwrap_or_default();
    let found = context.command("deadnix").arg("--version").output();
    if found.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .ends_with(version)
    }) {
        return Ok("deadnix".into());
    }
    let root = context.work.join("cargo-tools");
    let program = root
        .join("bin")
        .join(format!("deadnix{}", std::env::consts::EXE_SUFFIX));
    let mut cargo = context.cargo();
    cargo.args(["install", "--locked", "--quiet", DEADNIX, "--root"]);
    cargo
        .arg(&root)
        .arg("--target-dir")
        .arg(root.join("target"));
    log.run(&mut cargo).map_err(|error| Error::Missing {
        what: format!("{DEADNIX} could not be installed: {error}"),
    })?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_formatted_or_found() {
        assert_eq!(format_of("a.nix", "{ a = 1; }\n"), None);
        let found = format_of("a.nix", "{a=1;}").unwrap();
        assert!(found.contains("nix fmt"), "{found}");
        let found = format_of("a.nix", "{ a = ").unwrap();
        assert!(found.starts_with("a.nix: "), "{found}");
    }

    #[test]
    fn a_hash_that_wheelwright_does_not_pin_is_found() {
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let flake = format!("sha256 = \"{one}\";");
        assert!(pins(&flake, &format!("--hash=sha256:{one}")).is_empty());
        assert_eq!(pins(&flake, &format!("--hash=sha256:{other}")).len(), 1);
        assert_eq!(pins("nothing", "").len(), 1);
    }
}
