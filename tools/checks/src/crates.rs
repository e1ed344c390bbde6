//! Programs of crates that cargo builds, each by its own lock.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;

/// Returns `program` of a crate in a version, such as `deadnix@1.3.1`; cargo builds it if it
/// is missing.
pub fn program(
    context: &Context,
    log: &mut Log,
    package: &str,
    program: &str,
    features: &str,
) -> Result<PathBuf> {
    let root = context.work.join("crates").join(package);
    let program = root.join("bin").join(format!("{program}{EXE_SUFFIX}"));
    if !program.is_file() {
        let mut install = context.cargo();
        // Unoptimised: none of them works for as long as that would take.
        install.args(["install", "--locked", "--quiet", "--debug", package]);
        install.args(["--features", features]);
        install.arg("--root").arg(&root);
        log.run(&mut install)?;
    }
    Ok(program)
}
