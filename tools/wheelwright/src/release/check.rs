//! Everything that must be true of a repository and its artifacts before a
//! release; each thing that is not is one line.

use std::path::Path;

use wheelwright_artifacts::audit::{AuditError, audit_file};

use super::locks;
use super::plan::{Plan, PlanError};
use crate::errors::with_causes;
use crate::git::git;
use crate::project::workspace::{self, Workspace};
use crate::version::Version;
use crate::version::changelog::{self, ChangelogError};
use crate::version::places::{self, PlacesError};

/// What a release is checked against.
#[derive(Debug)]
pub struct Options<'a> {
    /// The folder of the artifacts.
    pub folder: &'a Path,
    /// The plan, if one was made; else one is made from the folder.
    pub plan: Option<&'a Plan>,
    /// The tag that is released; the tags of HEAD unless told.
    pub tag: Option<&'a str>,
    /// Leave out what is true only of the commit that is released: its tag,
    /// the day in the changelog, a clean tree.
    pub rehearsal: bool,
}

/// A check that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The version, or a file that states it, cannot be read.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// `wheelwright.toml` cannot be used.
    #[error(transparent)]
    Project(#[from] crate::project::ProjectError),
    /// The changelog's fragments cannot be used.
    #[error(transparent)]
    Changelog(#[from] ChangelogError),
}

/// Something that stops the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `tag`, `version`, `changelog`, `tree`, `lock`,
    /// `project`, `file` or `audit`.
    pub rule: &'static str,
    /// What is wrong, and what to do.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One line, whatever was quoted.
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        write!(f, "{}: {text}", self.rule)
    }
}

/// Returns what stops the release of the repository in `root`: an empty list if it can
/// be released.
///
/// # Errors
/// The check itself cannot be done.
pub fn check(root: &Path, options: &Options<'_>) -> Result<Vec<Finding>, CheckError> {
    let version = places::stated(root)?;
    let mut findings = Vec::new();
    let mut add = |rule: &'static str, lines: Vec<String>| {
        findings.extend(lines.into_iter().map(|text| Finding { rule, text }));
    };
    if !options.rehearsal {
        add("tag", tag(root, version, options.tag));
        add("tree", tree(root));
    }
    let places = places::plan(root, version)?.changes;
    add("version", places.iter().map(ToString::to_string).collect());
    add("changelog", changelog(root, version, options.rehearsal)?);
    add("lock", locks::stale(root)?);
    match Workspace::read(root) {
        Ok(workspace) => {
            add("file", files(&workspace, options));
            add("audit", audit(&workspace, options));
        }
        // The places above have said which version does not fit.
        Err(error) if places.is_empty() => add("project", vec![error.to_string()]),
        Err(_) => {}
    }
    Ok(findings)
}

fn tag(root: &Path, version: Version, given: Option<&str>) -> Vec<String> {
    let wanted = version.tag();
    let tags = match given {
        Some(tag) => vec![tag.trim_start_matches("refs/tags/").to_owned()],
        None => match git(root, &["tag", "--points-at", "HEAD"]) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) => return vec![with_causes(&error)],
        },
    };
    if tags.contains(&wanted) {
        return Vec::new();
    }
    let found = if tags.is_empty() {
        "HEAD has no tag".to_owned()
    } else {
        format!("the tag is {}", tags.join(", "))
    };
    vec![format!(
        "{found}, but the version is {version}, whose tag is {wanted}"
    )]
}

fn tree(root: &Path) -> Vec<String> {
    const SHOWN: usize = 3;
    match git(root, &["status", "--porcelain"]) {
        Err(error) => vec![with_causes(&error)],
        Ok(text) if text.is_empty() => Vec::new(),
        Ok(text) => {
            let names: Vec<&str> = text.lines().filter_map(|line| line.get(3..)).collect();
            let more = names.len().saturating_sub(SHOWN);
            let shown = names[..names.len().min(SHOWN)].join(", ");
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            vec![format!(
                "not committed: {shown}{more}; a release is built from a commit"
            )]
        }
    }
}

fn changelog(root: &Path, version: Version, rehearsal: bool) -> Result<Vec<String>, CheckError> {
    let release = workspace::settings(root)?.release;
    let Some(name) = &release.changelog else {
        return Ok(Vec::new());
    };
    let path = root.join(name);
    let text = std::fs::read_to_string(&path).map_err(|source| ChangelogError::File {
        path: path.clone(),
        source,
    })?;
    let left = match &release.fragments {
        Some(folder) => changelog::fragments(&root.join(folder))?.len(),
        None => 0,
    };
    let mut findings = Vec::new();
    match changelog::section(&text, version) {
        None => findings.push(format!("{name} has no section `## [{version}]`")),
        Some((body, _)) if body.is_empty() && (left == 0 || !rehearsal) => {
            findings.push(format!("{name} says nothing about {version}"));
        }
        Some((_, day)) if !rehearsal && !changelog::is_day(&day) => findings.push(format!(
            "{name}: the heading of {version} ends in {day:?}, not in a day; run `wheelwright release changelog`"
        )),
        Some(_) => {}
    }
    if left > 0 && !rehearsal {
        findings.push(format!(
            "{left} fragments are not in {name}; run `wheelwright release changelog`"
        ));
    }
    Ok(findings)
}

/// The folder holds the whole release, nothing else, and what was planned.
fn files(workspace: &Workspace, options: &Options<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let found = match Plan::of(workspace, options.folder, &workspace.platforms) {
        Ok(found) => Some(found),
        Err(PlanError::Missing { folder, missing }) => {
            let line = |what| format!("{}: {what}", folder.display());
            findings.extend(missing.into_iter().map(line));
            None
        }
        Err(error) => {
            findings.push(with_causes(&error));
            None
        }
    };
    if let Some(plan) = options.plan {
        let complete: Vec<&str> = workspace
            .platforms
            .iter()
            .map(|p| p.name.as_str())
            .collect();
        let lacks: Vec<&str> = complete
            .into_iter()
            .filter(|name| !plan.platforms.iter().any(|planned| planned == name))
            .collect();
        if !lacks.is_empty() {
            findings.push(format!("the plan has no {}", lacks.join(", ")));
        }
        let changed = plan.differences(options.folder);
        findings.extend(changed.iter().map(|error| with_causes(error)));
        let same = |found: &Plan| found.packages == plan.packages && found.version == plan.version;
        if changed.is_empty() && lacks.is_empty() && found.is_some_and(|found| !same(&found)) {
            findings.push("the plan is another release's; plan again".to_owned());
        }
    }
    let whole = crate::build::plan::Plan::new(workspace, &[], &workspace.platforms);
    let unexpected = whole.map(|plan| plan.unexpected(options.folder));
    findings.extend(unexpected.into_iter().flatten().map(|name| {
        format!(
            "{}: {name} is not part of this release; remove it",
            options.folder.display()
        )
    }));
    findings
}

/// Every artifact passes the audit, its size budget included. One that is not
/// the planned file has its line already.
fn audit(workspace: &Workspace, options: &Options<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let Ok(build) = crate::build::plan::Plan::new(workspace, &[], &workspace.platforms) else {
        return findings;
    };
    for item in &build.items {
        let name = item.file_name();
        let path = options.folder.join(&name);
        let planned = options.plan.iter().flat_map(|plan| plan.files());
        let mut changed = planned
            .filter(|(_, file)| file.file == name)
            .map(|(_, file)| file.compare(options.folder).is_err());
        if !path.is_file() || changed.next() == Some(true) {
            continue;
        }
        let policy = item
            .project
            .settings
            .audit
            .clone()
            .check()
            .map_err(AuditError::from);
        match policy.and_then(|policy| audit_file(&path, &policy)) {
            Ok(report) => findings.extend(report.lines().lines().map(str::to_owned)),
            Err(error) => findings.push(with_causes(&error)),
        }
    }
    findings
}
