//! The workflows of GitHub Actions: our own rules, then actionlint and zizmor.

mod agree;
mod rules;

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;
use crate::venv;
use rules::{Facts, Workflow};

const FOLDER: &str = ".github/workflows/";

/// The Pythons that `ci.yml` tests: every one that is supported.
const PYTHONS: [&str; 6] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"];

/// Checks every workflow.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let mut findings = Vec::new();
    let mut pins = BTreeMap::new();
    let mut count = 0;
    let facts = facts(context)?;
    for file in context.files()? {
        let Some(name) = file.strip_prefix(FOLDER) else {
            continue;
        };
        count += 1;
        let text = context.read(&file)?;
        let mut found = pinning(&text, &mut pins);
        match Workflow::parse(&text) {
            Ok(workflow) => {
                found.extend(workflow.findings(&facts));
                if name.starts_with("release-") {
                    found.extend(workflow.release_findings(&facts));
                }
            }
            Err(problem) => found.push(problem),
        }
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
    Ok(Done::Passed(format!(
        "{count} workflows, {} actions pinned",
        pins.len()
    )))
}

/// What the repository says about itself, for workflows to agree with.
fn facts(context: &Context) -> Result<Facts> {
    let table = |path: &str| -> Result<Table> {
        context
            .read(path)?
            .parse()
            .map_err(|error: toml::de::Error| Error::Malformed {
                path: path.into(),
                problem: error.to_string(),
            })
    };
    let texts = |value: Option<&Value>| -> Vec<String> {
        let all = value.and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let settings = table("wheelwright.toml")?;
    let mut packages = Vec::new();
    for folder in texts(settings.get("packages")) {
        let project = table(&format!("{folder}/pyproject.toml"))?;
        let name = project
            .get("project")
            .and_then(|project| project.get("name"));
        packages.extend(name.and_then(Value::as_str).map(str::to_owned));
    }
    let cargo = table("Cargo.toml")?;
    let rust = cargo
        .get("workspace")
        .and_then(|workspace| workspace.get("package"))
        .and_then(|package| package.get("rust-version"))
        .and_then(Value::as_str);
    Ok(Facts {
        platforms: texts(settings.get("platforms")),
        packages,
        rust_version: rust.unwrap_or_default().to_owned(),
        pythons: PYTHONS.map(str::to_owned).to_vec(),
    })
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
