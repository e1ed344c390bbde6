//! `wheelwright audit`: judges wheels and sdists, ours or not.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use wheelwright_artifacts::audit::{self, Policy, Profile, Report, Severity, rules};

use super::Outcome;

/// Check wheels and sdists against the rules of docs/spec/audit.md
///
/// Exits with 0 when no selected rule is broken, 1 when one is, 2 when a file
/// cannot be read.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Wheels (.whl) and sdists (.tar.gz)
    #[arg(value_name = "FILE", required_unless_present = "rules")]
    files: Vec<PathBuf>,
    /// Which rules: `index` (what breaks users or an index refuses), `ours`
    /// (and reproducible hygiene), `strict` (all, no exceptions)
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    policy: Option<Profile>,
    /// Take `[tool.wheelwright.audit]` of this pyproject.toml as the policy
    #[arg(long, value_name = "FILE")]
    pyproject: Option<PathBuf>,
    /// Only these rules or groups (`zip` is every `zip-*`); may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    select: Vec<String>,
    /// Not these rules or groups; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    ignore: Vec<String>,
    /// Largest artifact, in bytes
    #[arg(long, value_name = "BYTES")]
    max_size: Option<u64>,
    /// Print the reports as JSON
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print the findings as SARIF 2.1.0
    #[arg(long)]
    sarif: bool,
    /// List the rules and stop
    #[arg(long)]
    rules: bool,
}

fn profile(name: &str) -> Result<Profile, String> {
    match name {
        "index" => Ok(Profile::Index),
        "ours" => Ok(Profile::Ours),
        "strict" => Ok(Profile::Strict),
        other => Err(format!("`{other}` is none of index, ours, strict")),
    }
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        if self.rules {
            super::print(list_rules().as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let policy = self.policy()?;
        let mut reports = Vec::new();
        let mut unreadable = false;
        for file in &self.files {
            match audit::audit_file(file, &policy) {
                Ok(report) => {
                    if !self.json && !self.sarif {
                        super::print(report.lines().as_bytes())?;
                    }
                    reports.push(report);
                }
                Err(error) => {
                    unreadable = true;
                    super::complain(&error.to_string());
                }
            }
        }
        if self.json {
            super::print((serde_json::to_string_pretty(&reports)? + "\n").as_bytes())?;
        } else if self.sarif {
            super::print(
                (serde_json::to_string_pretty(&audit::sarif(&reports))? + "\n").as_bytes(),
            )?;
        } else {
            eprintln!("{}", summary(&reports));
        }
        Ok(if unreadable {
            ExitCode::from(super::UNUSABLE)
        } else if reports.iter().all(Report::is_clean) {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(super::FAILED)
        })
    }

    fn policy(&self) -> Result<Policy, audit::PolicyError> {
        let mut policy = match &self.pyproject {
            Some(path) => Policy::from_pyproject(path)?,
            None => Policy::default(),
        };
        if let Some(profile) = self.policy {
            policy.profile = profile;
        }
        if !self.select.is_empty() {
            policy.select.clone_from(&self.select);
        }
        policy.ignore.extend(self.ignore.iter().cloned());
        if let Some(max_size) = self.max_size {
            policy.max_size = max_size;
        }
        policy.check()
    }
}

fn summary(reports: &[Report]) -> String {
    let count = |severity| reports.iter().map(|r| r.count(severity)).sum::<usize>();
    let clean = reports.iter().filter(|r| r.is_clean()).count();
    format!(
        "{clean} of {} files clean; {} errors, {} warnings",
        reports.len(),
        count(Severity::Error),
        count(Severity::Warning)
    )
}

fn list_rules() -> String {
    rules::RULES.iter().fold(String::new(), |mut out, rule| {
        let severity = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let profile = match rule.profile {
            Profile::Index => "index",
            Profile::Ours => "ours",
            Profile::Strict => "strict",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<20} {severity:<8} {profile:<7} {}",
            rule.id, rule.summary
        );
        out
    })
}
