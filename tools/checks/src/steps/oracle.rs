//! What independent tools say of a corpus of artifacts that are broken in one way
//! each, against what `wheelwright audit` says.

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;
use crate::venv;

/// The page that holds a verdict on every disagreement.
const PAGE: &str = "docs/audit-study.md";

/// Runs `tools/wheelwright-artifacts/study/oracle`.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    // The newest packages, which the index itself runs on, want a newer Python.
    let python = context.python()?;
    if python.minor() < 11 {
        return Ok(Done::Skipped(format!(
            "CPython {}; the tools want 3.11 or later",
            python.version
        )));
    }
    let tools = venv::tools(context, log, "oracle")?;
    log.run(
        context
            .cargo()
            .args(["build", "--quiet", "--profile=tool", "-p", "wheelwright"]),
    )?;
    let program = context
        .target()
        .join("tool")
        .join(format!("wheelwright{}", std::env::consts::EXE_SUFFIX));
    let mut command = context.command(tools.python());
    tools.enter(&mut command)?;
    command
        .arg(
            context
                .root
                .join("tools/wheelwright-artifacts/study/oracle"),
        )
        .arg(program)
        .arg(context.root.join(PAGE));
    if cfg!(target_os = "linux") && context.dist().is_dir() {
        command.arg("--dist").arg(context.dist());
    }
    let text = log.output(&mut command)?;
    let last = text.lines().next_back().unwrap_or_default();
    Ok(Done::Passed(last.to_owned()))
}
