//! What comes before an index is touched: changelog, plan, check, assets.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::super::Outcome;
use super::{Planned, dist, passed, plan_file, root};
use crate::project::workspace;
use crate::release::check::{self, Options};
use crate::release::{assets, plan};
use crate::version::{Version, changelog, places};

/// Put the fragments into the changelog, under the version and a day
#[derive(clap::Args)]
pub(super) struct Changelog {
    /// The day of the release
    #[arg(long, value_name = "YYYY-MM-DD", required_unless_present = "print")]
    day: Option<String>,
    /// Print the section of the version; change nothing
    #[arg(long, conflicts_with = "day")]
    print: bool,
    /// The version whose section is printed [default: the repository's]
    #[arg(long, value_name = "VERSION", requires = "print")]
    of: Option<Version>,
}

impl Changelog {
    pub(super) fn run(self) -> Outcome {
        let root = root()?;
        let version = self.of.map_or_else(|| places::stated(&root), Ok)?;
        let settings = workspace::settings(&root)?.release;
        let Some(name) = settings.changelog else {
            return Err("wheelwright.toml names no changelog under [release]".into());
        };
        let path = root.join(&name);
        let text = String::from_utf8(super::super::read(&path)?)?;
        let Some(day) = self.day else {
            let section = changelog::section(&text, version);
            let (body, _) =
                section.ok_or_else(|| format!("{name} has no section `## [{version}]`"))?;
            super::super::print(format!("{body}\n").as_bytes())?;
            return Ok(passed(true));
        };
        let fragments = match &settings.fragments {
            Some(folder) => changelog::fragments(&root.join(folder))?,
            None => Vec::new(),
        };
        let assembled = changelog::assemble(&text, version, &day, &fragments)?;
        std::fs::write(&path, assembled)?;
        for fragment in &fragments {
            std::fs::remove_file(&fragment.path)?;
        }
        let line = format!(
            "{name}: {version} on {day}, {} fragments\n",
            fragments.len()
        );
        super::super::print(line.as_bytes())?;
        Ok(passed(true))
    }
}

/// Write down the exact files of the release, by SHA-256, in publish order
#[derive(clap::Args)]
pub(super) struct Plan {
    /// The folder of the artifacts [default: dist, beside wheelwright.toml]
    #[arg(long, value_name = "FOLDER")]
    dist: Option<PathBuf>,
    /// Where to write it; `-` prints it [default: target/wheelwright/plan.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// This package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// Native wheels for this machine only: for a rehearsal, no release
    #[arg(long)]
    host: bool,
}

impl Plan {
    pub(super) fn run(self) -> Outcome {
        let mut workspace = super::super::repository(self.dist.as_deref())?;
        let platforms = if self.host && !workspace.platforms.is_empty() {
            workspace.leave_to_releases();
            workspace.host()?
        } else {
            workspace.platforms.clone()
        };
        let folder = dist(self.dist.as_ref())?;
        let plan = plan::Plan::of(&workspace, &self.package, &folder, &platforms)?;
        let out = self.out.unwrap_or_else(|| plan_file(&workspace.root));
        if out.as_os_str() == "-" {
            super::super::print(plan.text().as_bytes())?;
            return Ok(passed(true));
        }
        if let Some(parent) = out.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&out, plan.text())?;
        let mut text = String::new();
        for (_, file) in plan.files() {
            let _ = writeln!(text, "{}  {:>9}  {}", file.sha256, file.size, file.file);
        }
        let _ = writeln!(
            text,
            "{}: {} packages, {} files, {} platforms",
            plan.version,
            plan.packages.len(),
            plan.files().count(),
            plan.platforms.len()
        );
        super::super::print(text.as_bytes())?;
        Ok(passed(true))
    }
}

/// Check that the repository and its artifacts can be released
///
/// Version = tag = changelog everywhere, ranges between packages, fresh lock
/// files, a clean tree, every artifact there, as planned, and clean by the
/// audit. Each thing that stops the release is one line.
#[derive(clap::Args)]
pub(super) struct Check {
    /// The plan [default: one is made from the artifacts]
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// The folder of the artifacts [default: dist, beside wheelwright.toml]
    #[arg(long, value_name = "FOLDER")]
    dist: Option<PathBuf>,
    /// This package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// The tag that is released [default: the tags of HEAD]
    #[arg(long, value_name = "TAG", conflicts_with = "rehearsal")]
    tag: Option<String>,
    /// Leave out tag, day of the changelog and clean tree
    #[arg(long)]
    rehearsal: bool,
}

impl Check {
    pub(super) fn run(self) -> Outcome {
        let root = root()?;
        let plan = self.plan.as_deref().map(plan::Plan::read).transpose()?;
        let checked = check::check(
            &root,
            &Options {
                packages: &self.package,
                folder: &dist(self.dist.as_ref())?,
                plan: plan.as_ref(),
                tag: self.tag.as_deref(),
                rehearsal: self.rehearsal,
            },
        )?;
        let findings = checked.findings;
        for finding in &findings {
            super::super::complain(&finding.to_string());
        }
        let version = checked.version;
        let verdict = match (findings.len(), self.rehearsal) {
            (0, false) => format!("{version} can be released\n"),
            (0, true) => format!(
                "{version} could be released (not looked at: tag, day of the changelog, clean tree)\n"
            ),
            (count, _) => format!("{version} cannot be released: {count} findings\n"),
        };
        super::super::print(verdict.as_bytes())?;
        Ok(passed(findings.is_empty()))
    }
}

/// Write checksums, bills of materials, plan and notes for a release page
#[derive(clap::Args)]
pub(super) struct Assets {
    #[command(flatten)]
    planned: Planned,
    /// The folder to write them to
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl Assets {
    pub(super) fn run(self) -> Outcome {
        let (plan, folder) = self.planned.read()?;
        let root = root()?;
        let version = plan.version.parse::<Version>();
        let changelog = workspace::settings(&root)?.release.changelog;
        let notes = match (changelog, version) {
            (Some(name), Ok(version)) => {
                let text = String::from_utf8(super::super::read(&root.join(name))?)?;
                changelog::section(&text, version).map_or_else(String::new, |(body, _)| body)
            }
            _ => String::new(),
        };
        for path in assets::write(&plan, &folder, &notes, &self.out)? {
            super::super::print(format!("{}\n", path.display()).as_bytes())?;
        }
        Ok(passed(true))
    }
}
