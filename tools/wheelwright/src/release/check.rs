//! Everything that must be true of a repository and its artifacts before a
//! release; each thing that is not is one line.

use std::path::Path;

use wheelwright_artifacts::audit::{AuditError, audit_file};

use super::locks;
use super::plan::{Plan, PlanError};
use crate::build::backend;
use crate::build::plan::{Item, Plan as BuildPlan};
use crate::errors::with_causes;
use crate::git::git;
use crate::project::workspace::{self, Workspace};
use crate::version::Version;
use crate::version::changelog::{self, ChangelogError};
use crate::version::places::{self, PlacesError};
use crate::version::single::{self, Place, Single, SingleError};

/// What a release is checked against.
#[derive(Debug)]
pub struct Options<'a> {
    /// The packages that are released; all that are not released by themselves, if none
    /// is named.
    pub packages: &'a [String],
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
    /// The version of a package that its own backend builds cannot be read.
    #[error(transparent)]
    Single(#[from] SingleError),
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

/// A repository that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its version.
    pub version: String,
    /// What stops its release; nothing, if it can be released.
    pub findings: Vec<Finding>,
}

/// Looks for what stops the release of the repository in `root`.
///
/// # Errors
/// The check itself cannot be done.
pub fn check(root: &Path, options: &Options<'_>) -> Result<Checked, CheckError> {
    if workspace::is_of_a_backend(root) {
        return of_a_backend(root, options);
    }
    let version = places::stated(root)?;
    let mut findings = Vec::new();
    let mut add = |rule: &'static str, lines: Vec<String>| {
        findings.extend(lines.into_iter().map(|text| Finding { rule, text }));
    };
    if !options.rehearsal {
        let tags = [version.tag()];
        add("tag", tag(root, &version.to_string(), &tags, options.tag));
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
    Ok(Checked {
        version: version.to_string(),
        findings,
    })
}

/// Looks at a package that its own backend builds: what is in the folder is the release.
fn of_a_backend(root: &Path, options: &Options<'_>) -> Result<Checked, CheckError> {
    let stated = match Single::read(root) {
        Ok(stated) => Some(stated),
        Err(SingleError::Dynamic { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let built = backend::workspace(root, options.folder);
    let written = stated.as_ref().map(|stated| &stated.version);
    let made = built.as_ref().ok().map(|built| &built.projects[0].version);
    let version = written.or(made);
    let mut findings = Vec::new();
    let mut add = |rule: &'static str, lines: Vec<String>| {
        findings.extend(lines.into_iter().map(|text| Finding { rule, text }));
    };
    if let Some(version) = version {
        if !options.rehearsal {
            let says = stated.as_ref().map(|stated| stated.places[0].says.clone());
            let tags = single::tags(version, &says.unwrap_or_else(|| version.to_string()));
            add("tag", tag(root, &version.to_string(), &tags, options.tag));
        }
        let others = stated.iter().flat_map(|stated| stated.others(version));
        let other = |place: &Place| {
            let path = place.path.strip_prefix(root).unwrap_or(&place.path);
            let (path, what, says) = (path.display(), &place.what, &place.says);
            format!("{path}: {what} is {says}, not {version}")
        };
        add("version", others.map(other).collect());
        if version.is_local() {
            let line = format!("{version} has a local part, which an index refuses");
            add("version", vec![line]);
        }
        if let Some(made) = made.filter(|made| *made != version) {
            let folder = options.folder.display();
            let line = format!("{folder} holds {made}, and the version is {version}; build again");
            add("file", vec![line]);
        }
    }
    if !options.rehearsal {
        add("tree", tree(root));
    }
    let version = version.map_or_else(|| "the package".to_owned(), ToString::to_string);
    match &built {
        Ok(workspace) => {
            add("file", files(workspace, options));
            add("audit", audit(workspace, options));
        }
        Err(problem) => add("file", vec![problem.clone()]),
    }
    Ok(Checked { version, findings })
}

/// One of the tags `wanted` must be there, the usual one first.
fn tag(root: &Path, version: &str, wanted: &[String], given: Option<&str>) -> Vec<String> {
    let tags = match given {
        Some(tag) => vec![tag.trim_start_matches("refs/tags/").to_owned()],
        None => match git(root, &["tag", "--points-at", "HEAD"]) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(error) => return vec![with_causes(&error)],
        },
    };
    if tags.iter().any(|tag| wanted.contains(tag)) {
        return Vec::new();
    }
    let found = if tags.is_empty() {
        "HEAD has no tag".to_owned()
    } else {
        format!("the tag is {}", tags.join(", "))
    };
    let wanted = wanted.first().map_or("none", String::as_str);
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
    let found = match Plan::of(
        workspace,
        options.packages,
        options.folder,
        &workspace.platforms,
    ) {
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
    let build = BuildPlan::new(workspace, options.packages, &workspace.platforms);
    let unexpected = build.map(|mut plan| {
        plan.whole = plan.items.iter().map(Item::file_name).collect();
        plan.unexpected(options.folder)
    });
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
    let Ok(build) = BuildPlan::new(workspace, options.packages, &workspace.platforms) else {
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
