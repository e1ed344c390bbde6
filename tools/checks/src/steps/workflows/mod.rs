//! The workflows of GitHub Actions: actionlint, zizmor, and our own rules, which
//! neither of them has. Pinned actions, permissions, kept credentials and caches of
//! releases are zizmor's; platforms, packages and Pythons are the step `sync`'s.

mod agree;
mod rules;

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;
use crate::venv;
use rules::Workflow;

const FOLDER: &str = ".github/workflows/";

/// Checks every workflow.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let mut findings = Vec::new();
    let mut count = 0;
    for file in context.files()? {
        let Some(name) = file.strip_prefix(FOLDER) else {
            continue;
        };
        count += 1;
        let found = match Workflow::parse(&context.read(&file)?) {
            Ok(workflow) if name.starts_with("release-") => {
                [workflow.findings(), workflow.release_findings()].concat()
            }
            Ok(workflow) => workflow.findings(),
            Err(problem) => vec![problem],
        };
        findings.extend(
            found
                .into_iter()
                .map(|finding| format!("{FOLDER}{name}: {finding}")),
        );
    }
    if count == 0 {
        return Ok(Done::Skipped("there are no workflows".to_owned()));
    }
    log.findings(&findings)?;
    let lint = venv::tools(context, log, "lint")?;
    log.run(&mut context.command(lint.program("actionlint")))?;
    let mut zizmor = context.command(lint.program("zizmor"));
    log.run(zizmor.args(["--offline", "--persona=auditor", "--no-progress", FOLDER]))?;
    Ok(Done::Passed(format!("{count} workflows")))
}
