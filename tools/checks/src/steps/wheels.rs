//! `cargo wheels --host`, by way of wheelwright, and wheelwright on small packages.

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;

/// Builds, audits and smoke-tests this machine's wheels into `dist/`.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    log.run(context.cargo().args(["wheels", "--host"]))?;
    let wheels = context.artifacts(".whl")?.len();
    let sdists = context.artifacts(".tar.gz")?.len();
    Ok(Done::Passed(format!(
        "{wheels} wheels, {sdists} sdists in dist/"
    )))
}

/// Runs the tests of wheelwright that build whole packages.
pub fn real(context: &Context, log: &mut Log) -> Result<Done> {
    log.run(context.cargo().args([
        "test",
        "--quiet",
        "--package=wheelwright",
        "--test=real",
        "--",
        "--ignored",
        "--test-threads=1",
    ]))?;
    Ok(Done::Passed("2 repositories".to_owned()))
}
