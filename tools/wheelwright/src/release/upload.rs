//! Uploads a release to an index: in publish order, each file once. A further attempt
//! goes on where the last one stopped.
//!
//! `uv publish` sends the files, one by one. This module decides what to send, whether
//! it arrived, and whether to try again, by what the index then lists.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::Regex;
use wheelwright_artifacts::artifact::file_name::normalize;

use super::plan::{File, Plan, PlanError};
use super::status::{State, Status};
use crate::index::address::{Address, Secrets};
use crate::index::{Index, IndexError};
use crate::toolchain::process::{isolated, line};

/// Variables that tell uv who uploads; it sees no other setting.
const LOGIN: &[&str] = &[
    "UV_PUBLISH_USERNAME",
    "UV_PUBLISH_PASSWORD",
    "UV_PUBLISH_TOKEN",
    "UV_KEYRING_PROVIDER",
    // Trusted publishing on GitHub.
    "GITHUB_ACTIONS",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];
/// Those of them whose value is a secret.
const SECRET: &[&str] = &[
    "UV_PUBLISH_PASSWORD",
    "UV_PUBLISH_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
];

/// An upload that stopped.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The folder does not hold the planned files.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The index cannot be read.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The index has other bytes, or other files, under this version.
    #[error("this version can never be complete on the index, so nothing more is uploaded: {}; release another version", conflicts.join("; "))]
    Conflict {
        /// A line for each file.
        conflicts: Vec<String>,
    },
    /// Files are there, and the upload was meant to be the first.
    #[error(
        "the index already has {present} of the {planned} files; `wheelwright release resume` uploads the rest"
    )]
    Begun {
        /// How many are there.
        present: usize,
        /// How many were planned.
        planned: usize,
    },
    /// A file could not be uploaded.
    #[error(
        "stopped at {file}, with {present} of {planned} files on the index: {problem}; \
         `wheelwright release resume` goes on from here"
    )]
    Stopped {
        /// The file.
        file: String,
        /// How many files were there by then.
        present: usize,
        /// How many were planned.
        planned: usize,
        /// What went wrong.
        problem: String,
    },
    /// The index took every file, and does not list them all.
    #[error(
        "every file was uploaded, but {seconds} s later the index still lists {missing} of them as missing; \
         look again with `wheelwright release status`"
    )]
    Unlisted {
        /// How many are not listed.
        missing: usize,
        /// How long was waited.
        seconds: u64,
    },
}

/// What an upload did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Files that it uploaded.
    pub uploaded: usize,
    /// Files that were there before.
    pub before: usize,
}

/// What sends files.
#[derive(Debug)]
pub struct Uploader {
    uv: PathBuf,
    to: Address,
    secrets: Secrets,
}

impl Uploader {
    /// Sends by the program `uv` to the upload service at `to`.
    pub fn new(uv: PathBuf, to: Address) -> Self {
        let given = SECRET.iter().filter_map(|name| std::env::var(name).ok());
        Self {
            uv,
            secrets: Secrets::new(given.chain(to.secrets())),
            to,
        }
    }

    fn has_login(&self) -> bool {
        let given = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        self.to.login().is_some() || given("UV_PUBLISH_TOKEN") || given("UV_PUBLISH_PASSWORD")
    }

    /// Sends one file. The error says what uv said, and whether another attempt
    /// may succeed.
    fn send(&self, path: &Path) -> Result<(), (String, bool)> {
        let mut command = isolated(&self.uv);
        command
            .args([
                "publish",
                "--no-config",
                "--no-progress",
                "--color",
                "never",
            ])
            .args(["--no-cache", "--publish-url", self.to.url().as_str()])
            .arg(path)
            // We look at the index between attempts; uv must not try by itself.
            .env("UV_HTTP_RETRIES", "0")
            .stdin(std::process::Stdio::null());
        for name in LOGIN {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some((user, password)) = self.to.login() {
            command
                .env("UV_PUBLISH_USERNAME", user)
                .env("UV_PUBLISH_PASSWORD", password);
        }
        if self.has_login() {
            command.args(["--trusted-publishing", "never"]);
        }
        let output = command
            .output()
            .map_err(|error| (format!("{} does not start: {error}", line(&command)), false))?;
        if output.status.success() {
            return Ok(());
        }
        let said = in_short(&self.secrets.hide(&String::from_utf8_lossy(&output.stderr)));
        let again = !is_final(&said);
        Err((said, again))
    }
}

/// What uv said, on one line: from its first error on, without the pages that
/// servers answer with.
fn in_short(said: &str) -> String {
    const LONGEST: usize = 600;
    let start = said.find("error:").unwrap_or_default();
    let words = said[start..]
        .lines()
        .filter(|line| !line.contains(['<', '{', '}']))
        .flat_map(str::split_whitespace);
    let mut short = String::new();
    for word in words {
        if short.len() + word.len() > LONGEST {
            short.push_str(" ...");
            break;
        }
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
    }
    short
}

/// Did the index refuse, rather than fail? Asking again does not change that.
fn is_final(said: &str) -> bool {
    #[expect(clippy::expect_used, reason = "a constant, compiled by the tests")]
    static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(400|401|403|404|405|409|410|411|413|415|422)\b")
            .expect("a regular expression")
    });
    REFUSED.is_match(said)
}

/// How an upload behaves.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Stop if any file of the version is there already.
    pub first: bool,
    /// How long the index may take to list what it took.
    pub wait: Duration,
}

/// Uploads what the index lacks of the plan, from `folder`.
///
/// # Errors
/// The folder or the index has other bytes than planned, or a file could not be
/// uploaded. What arrived stays: the next attempt goes on from there.
pub fn upload(
    plan: &Plan,
    folder: &Path,
    index: &Index,
    uploader: &Uploader,
    options: Options,
    said: &mut dyn FnMut(&str),
) -> Result<Done, UploadError> {
    if let Some(changed) = plan.differences(folder).into_iter().next() {
        return Err(changed.into());
    }
    let status = Status::of(plan, index)?;
    let planned = plan.files().count();
    let before = status.count(State::Present);
    refuse_conflicts(&status)?;
    if options.first && before > 0 {
        return Err(UploadError::Begun {
            present: before,
            planned,
        });
    }
    let mut uploaded = 0;
    for ((package, file), row) in plan.files().zip(&status.files) {
        if row.state == State::Present {
            said(&format!("there      {}", file.file));
        } else {
            let attempt = || send(index, uploader, &normalize(package), file, folder);
            index
                .retry
                .run(attempt)
                .map_err(|problem| UploadError::Stopped {
                    file: file.file.clone(),
                    present: before + uploaded,
                    planned,
                    problem,
                })?;
            uploaded += 1;
            said(&format!("uploaded   {}", file.file));
        }
    }
    settle(plan, index, options.wait)?;
    Ok(Done { uploaded, before })
}

/// Sends one file, if it is not there after all. An answer can be lost on its
/// way back: what the index lists decides.
fn send(
    index: &Index,
    uploader: &Uploader,
    package: &str,
    file: &File,
    folder: &Path,
) -> Result<(), (String, bool)> {
    let Err((problem, again)) = uploader.send(&folder.join(&file.file)) else {
        return Ok(());
    };
    let listed = index
        .listed(package)
        .map_err(|error| (format!("{problem}; then {error}"), true))?;
    let Some(there) = listed.iter().find(|there| there.file == file.file) else {
        return Err((problem, again));
    };
    match index.sha256(there) {
        Ok(sha256) if sha256 == file.sha256 => Ok(()),
        Ok(sha256) => Err((
            format!("the index now has other bytes under this name (SHA-256 {sha256})"),
            false,
        )),
        Err(error) => Err((error.to_string(), false)),
    }
}

fn refuse_conflicts(status: &Status) -> Result<(), UploadError> {
    let conflicts = status.conflicts();
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(UploadError::Conflict { conflicts })
}

/// Waits until the index lists exactly the plan.
///
/// # Errors
/// The index does not list the plan within `wait`, or lists something else.
pub fn settle(plan: &Plan, index: &Index, wait: Duration) -> Result<Status, UploadError> {
    let started = Instant::now();
    loop {
        let status = Status::of(plan, index)?;
        refuse_conflicts(&status)?;
        if status.is_complete() {
            return Ok(status);
        }
        if started.elapsed() >= wait {
            return Err(UploadError::Unlisted {
                missing: status.count(State::Missing),
                seconds: wait.as_secs(),
            });
        }
        std::thread::sleep(Duration::from_secs(2).min(wait));
    }
}

/// Copies what the index lacks of the plan into `out`, a folder for each
/// package: `1-engine`, `2-tool`, in publish order. For a publisher that takes
/// folders, such as an action of the index's own.
///
/// # Errors
/// As [`upload`]; or `out` cannot be written.
pub fn stage(plan: &Plan, folder: &Path, index: &Index, out: &Path) -> Result<Status, UploadError> {
    if let Some(changed) = plan.differences(folder).into_iter().next() {
        return Err(changed.into());
    }
    let status = Status::of(plan, index)?;
    refuse_conflicts(&status)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| PlanError::File { path, source }
    };
    if out.exists() {
        // What an earlier attempt left would be uploaded along.
        std::fs::remove_dir_all(out).map_err(io(out))?;
    }
    for (number, package) in plan.packages.iter().enumerate() {
        let target = out.join(format!("{}-{}", number + 1, normalize(&package.name)));
        std::fs::create_dir_all(&target).map_err(io(&target))?;
        let missing = status
            .files
            .iter()
            .filter(|row| row.package == package.name && row.state == State::Missing);
        for row in missing {
            let copy = target.join(&row.file);
            std::fs::copy(folder.join(&row.file), &copy).map_err(io(&copy))?;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_uv_says_is_kept_short() {
        let said = "Publishing 1 file\nUploading a.whl\nerror: Failed to publish `a.whl`\n  \
                    cause: status code 403 Forbidden. Server says:\n<html>\n<style>b {x: y}</style>\n";
        assert_eq!(
            in_short(said),
            "error: Failed to publish `a.whl` cause: status code 403 Forbidden. Server says:"
        );
        assert!(in_short(&"word ".repeat(400)).len() < 620);
    }

    #[test]
    fn a_refusal_is_final_and_a_failure_is_not() {
        assert!(is_final(
            "Upload failed with status code 403 Forbidden. Server says: no"
        ));
        assert!(is_final(
            "HTTP status client error (409 Conflict) for url (http://x/)"
        ));
        assert!(!is_final(
            "Server returned status code 503 Service Unavailable"
        ));
        assert!(!is_final(
            "connection closed before message completed; 1400 bytes"
        ));
    }
}
