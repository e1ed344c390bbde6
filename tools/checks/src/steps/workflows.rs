//! The workflows of GitHub Actions: our own rules, then actionlint and zizmor.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::error::Result;
use crate::log::Log;
use crate::steps::Done;
use crate::venv;

const FOLDER: &str = ".github/workflows/";

/// The longest script a workflow may hold; the rest belongs in a command that
/// also runs on a laptop.
const MOST_SCRIPT_LINES: usize = 3;

/// Checks every workflow.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let mut findings = Vec::new();
    let mut pins = BTreeMap::new();
    let mut count = 0;
    for file in context.files()? {
        let Some(name) = file.strip_prefix(FOLDER) else {
            continue;
        };
        count += 1;
        let text = context.read(&file)?;
        let found = house_rules(&text)
            .into_iter()
            .chain(pinning(&text, &mut pins));
        findings.extend(found.map(|finding| format!("{FOLDER}{name}: {finding}")));
    }
    if count == 0 {
        return Ok(Done::Skipped("there are no workflows".to_owned()));
    }
    log.findings(&findings)?;
    let lint = venv::tools(context, log, "lint")?;
    log.run(&mut context.command(lint.program("actionlint")))?;
    let mut zizmor = context.command(lint.program("zizmor"));
    log.run(zizmor.args(["--offline", "--persona=auditor", "--no-progress", FOLDER]))?;
    Ok(Done::Passed(format!(
        "{count} workflows, {} actions pinned",
        pins.len()
    )))
}

/// No permission that a job does not ask for itself, no long scripts.
fn house_rules(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.lines().any(|line| line == "permissions: {}") {
        findings.push("has no top-level `permissions: {}`".to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let key = line.trim_start().trim_start_matches("- ");
        if !key.starts_with("run: |") && !key.starts_with("run: >") {
            continue;
        }
        let indent = line.len() - key.len();
        let inside =
            |next: &&&str| next.trim().is_empty() || next.len() - next.trim_start().len() > indent;
        let script = lines[index + 1..]
            .iter()
            .take_while(inside)
            .filter(|next| !next.trim().is_empty());
        let length = script.count();
        if length > MOST_SCRIPT_LINES {
            findings.push(format!(
                "line {}: a script of {length} lines; move it into a command",
                index + 1
            ));
        }
    }
    findings
}

/// Every action by its commit, its version beside it, one commit for one version.
fn pinning(text: &str, pins: &mut BTreeMap<String, String>) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some((_, used)) = line.split_once("uses: ") else {
            continue;
        };
        let used = used.trim();
        if used.starts_with("./") {
            continue;
        }
        let number = index + 1;
        let (action, version) = used.split_once(" # ").unwrap_or((used, ""));
        let commit = action.split_once('@').map_or("", |(_, commit)| commit);
        if commit.len() != 40 || !commit.chars().all(|c| c.is_ascii_hexdigit()) {
            findings.push(format!("line {number}: {action} is not pinned to a commit"));
        } else if !version.starts_with('v') {
            findings.push(format!(
                "line {number}: {action} has no version in a comment"
            ));
        }
        let name = action.split('@').next().unwrap_or_default().to_owned();
        let other = pins.entry(name).or_insert_with(|| used.to_owned());
        if other != used {
            findings.push(format!("line {number}: {used}, but elsewhere {other}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_workflow_with_permissions_for_all_jobs_is_found() {
        assert!(house_rules("on: push\npermissions: {}\n").is_empty());
        assert_eq!(
            house_rules("on: push\npermissions:\n  contents: read\n").len(),
            1
        );
        assert_eq!(
            house_rules("on: push\njobs:\n  a:\n    permissions: {}\n").len(),
            1
        );
    }

    #[test]
    fn a_long_script_is_found() {
        let script = |lines: usize| {
            format!(
                "permissions: {{}}\n      - run: |\n{}      - run: x\n",
                "          x\n".repeat(lines)
            )
        };
        assert!(house_rules(&script(3)).is_empty());
        assert_eq!(house_rules(&script(4)).len(), 1);
    }

    #[test]
    fn an_action_is_pinned_once_and_by_commit() {
        let check = |text: &str| pinning(text, &mut BTreeMap::new());
        assert!(check(&format!("- uses: a/b@{COMMIT} # v1.2.3")).is_empty());
        assert!(check("- uses: ./.github/actions/x").is_empty());
        assert_eq!(check("- uses: a/b@v1").len(), 1);
        assert_eq!(check(&format!("- uses: a/b@{COMMIT}")).len(), 1);
        assert_eq!(
            check(&format!(
                "- uses: a/b@{COMMIT} # v1\n- uses: a/b@{COMMIT} # v2"
            ))
            .len(),
            1
        );
    }
}
