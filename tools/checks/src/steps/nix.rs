//! The flake: its format, names that nothing uses, the hashes that it shares with
//! wheelwright, and its lock file where there is a Nix to ask. What it builds is
//! `nix flake check`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::context::Context;
use crate::crates;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;

/// The linter and the formatter.
const DEADNIX: &str = "deadnix@1.3.1";
const NIXFMT: &str = "nixfmt_rs@0.5.3";

/// Where wheelwright pins its tools, and where the flake repeats that.
const PINNED_BY: &str = "nix/pinned-tools.nix";
const PINS: &str = "tools/wheelwright/src/toolchain/requirements/";

/// Checks every Nix file, and the lock where there is a Nix.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let files = context.files()?;
    let is_nix = |file: &&String| PathBuf::from(file).extension().is_some_and(|e| e == "nix");
    let sources: Vec<&String> = files.iter().filter(is_nix).collect();
    let mut pinned = String::new();
    for file in files.iter().filter(|file| file.starts_with(PINS)) {
        pinned.push_str(&context.read(file)?);
    }
    log.findings(&pins(&context.read(PINNED_BY)?, &pinned))?;
    for (package, name, option) in [
        (NIXFMT, "nixfmt", "--check"),
        (DEADNIX, "deadnix", "--fail"),
    ] {
        let program = crates::program(context, log, package, name, "default")?;
        log.run(context.command(program).arg(option).args(&sources))?;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_wheelwright_does_not_pin_is_found() {
        let (one, other) = ("a".repeat(64), "b".repeat(64));
        let flake = format!("sha256 = \"{one}\";");
        assert!(pins(&flake, &format!("--hash=sha256:{one}")).is_empty());
        assert_eq!(pins(&flake, &format!("--hash=sha256:{other}")).len(), 1);
        assert_eq!(pins("nothing", "").len(), 1);
    }
}
