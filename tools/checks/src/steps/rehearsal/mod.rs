//! A whole release against a real index on this machine, every way in which its upload
//! can break off, and what rebuilders and users make of it.

mod index;
mod proof;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::steps::Done;
use crate::venv;
use index::{Index, USER};

/// Must never be in anything that is printed.
const PASSWORD: &str = "sesame-9f31c0";

/// One rehearsal.
struct Stage<'a> {
    context: &'a Context,
    log: &'a mut Log,
    index: Index,
    wheelwright: PathBuf,
    /// A copy of `dist/`.
    dist: PathBuf,
    plan: PathBuf,
    /// Name and SHA-256 of every planned file, in order.
    files: Vec<(String, String)>,
    findings: Vec<String>,
}

/// Plans, uploads, installs and verifies a release; then stops uploads after each file.
pub fn run(context: &Context, log: &mut Log) -> Result<Done> {
    let tools = venv::tools(context, log, "rehearsal")?;
    log.run(
        context
            .cargo()
            .args(["build", "--quiet", "--profile", "tool", "-p", "wheelwright"]),
    )?;
    let folder = context.emptied("rehearsal")?;
    let dist = folder.join("dist");
    fs::create_dir_all(&dist).map_err(Error::io(&dist))?;
    for artifact in [context.artifacts(".whl")?, context.artifacts(".tar.gz")?].concat() {
        let copy = dist.join(artifact.file_name().unwrap_or_default());
        fs::copy(&artifact, &copy).map_err(Error::io(&copy))?;
    }
    let program = format!("tool/wheelwright{}", std::env::consts::EXE_SUFFIX);
    let mut stage = Stage {
        index: Index::start(context, &tools, &folder, PASSWORD)?,
        wheelwright: context.target().join(program),
        plan: folder.join("plan.json"),
        dist,
        files: Vec::new(),
        findings: Vec::new(),
        context,
        log,
    };
    let scope = stage.make_plan()?;
    stage.whole_release()?;
    let attempts = stage.broken_off()?;
    let proof = stage.proof(&tools)?;
    stage.wrong_bytes()?;
    if stage.log.text().contains(PASSWORD) {
        stage.findings.push("the password was printed".to_owned());
    }
    let count = stage.files.len();
    let Stage { log, findings, .. } = stage;
    log.findings(&findings)?;
    Ok(Done::Passed(format!(
        "{count} files ({scope}): released, installed, verified; {attempts} uploads broken off and resumed; {proof}"
    )))
}

impl Stage<'_> {
    /// Runs `wheelwright release ...` and says whether it succeeded, and what it
    /// printed.
    fn release(&mut self, arguments: &[&str]) -> Result<(bool, String)> {
        let mut command: Command = self.context.command(&self.wheelwright);
        command
            .arg("release")
            .args(arguments)
            .env("WHEELWRIGHT_INDEX", self.index.simple())
            .env("WHEELWRIGHT_UPLOAD_URL", &self.index.address)
            .env("UV_PUBLISH_USERNAME", USER)
            .env("UV_PUBLISH_PASSWORD", PASSWORD)
            .env_remove("UV_PUBLISH_TOKEN");
        let (status, text) = self.log.capture(&mut command)?;
        Ok((status.success(), text))
    }

    /// The same on this rehearsal's plan and artifacts, without patience.
    fn planned(&mut self, action: &str, more: &[&str]) -> Result<(bool, String)> {
        let (plan, dist) = (text(&self.plan), text(&self.dist));
        let mut arguments = vec![action, "--plan", &plan, "--dist", &dist];
        arguments.extend(["--attempts", "1"]);
        arguments.extend(more);
        self.release(&arguments)
    }

    fn expect(&mut self, good: bool, what: impl Into<String>) {
        if !good {
            self.findings.push(what.into());
        }
    }

    /// Plans all platforms if `dist/` has them, else this machine's; says which.
    fn make_plan(&mut self) -> Result<String> {
        let (plan, dist) = (text(&self.plan), text(&self.dist));
        let (whole, _) = self.release(&["plan", "--dist", &dist, "--out", &plan])?;
        if !whole {
            let (made, said) =
                self.release(&["plan", "--host", "--dist", &dist, "--out", &plan])?;
            if !made {
                return Err(Error::Missing {
                    what: format!("dist/ cannot be planned: {said}"),
                });
            }
        }
        let json = fs::read_to_string(&self.plan).map_err(Error::io(&self.plan))?;
        let json: Value = serde_json::from_str(&json).map_err(|error| Error::Malformed {
            path: self.plan.clone(),
            problem: error.to_string(),
        })?;
        let word = |file: &Value, key: &str| file[key].as_str().unwrap_or_default().to_owned();
        for package in json["packages"].as_array().into_iter().flatten() {
            for file in package["files"].as_array().into_iter().flatten() {
                self.files.push((word(file, "file"), word(file, "sha256")));
            }
        }
        Ok(if whole {
            let platforms = json["platforms"].as_array().map_or(0, Vec::len);
            format!("all {platforms} platforms")
        } else {
            "this machine's platform only: dist/ has no others".to_owned()
        })
    }

    /// Everything goes well.
    fn whole_release(&mut self) -> Result<()> {
        self.index.tell("reset never refuse")?;
        let (complete, _) = self.planned("status", &[])?;
        self.expect(!complete, "status: complete on an empty index");
        let (uploaded, _) = self.planned("upload", &[])?;
        self.expect(uploaded, "upload: failed on a good index");
        self.each_once("upload")?;
        let (complete, _) = self.planned("status", &[])?;
        self.expect(complete, "status: not complete after the upload");
        let dist = text(&self.dist);
        let (verified, _) = self.planned("verify", &["--against", &dist])?;
        self.expect(verified, "verify: failed after the upload");
        let (again, _) = self.planned("upload", &[])?;
        self.expect(!again, "upload: accepted a version that is there already");
        let simple = self.index.simple();
        let (installed, _) = self.release(&["try", "--index", &simple])?;
        self.expect(installed, "try: not installed from the index");
        self.each_once("a second upload")
    }

    /// The upload breaks off after each file, in two ways each: the index refuses
    /// all further uploads, or, in turn, loses an answer or dies altogether.
    fn broken_off(&mut self) -> Result<usize> {
        let mut attempts = 0;
        for after in 0..self.files.len() {
            let other = if after % 2 == 0 { "lose" } else { "dead" };
            for how in ["refuse", other] {
                attempts += 1;
                let scene = format!("{how} after {after}");
                self.index.tell(&format!("reset {after} {how}"))?;
                let (finished, _) = self.planned("upload", &["--wait", "0"])?;
                // An upload whose answer was lost did arrive.
                let arrived = after + usize::from(how == "lose");
                let wanted = arrived == self.files.len();
                self.expect(
                    finished == wanted,
                    format!("{scene}: upload ended with {finished}"),
                );
                let there = self.index.uploads()?;
                self.expect(
                    there == self.files[..arrived],
                    format!(
                        "{scene}: {} files arrived, not the first {arrived}",
                        there.len()
                    ),
                );
                self.index.tell("heal")?;
                let (complete, _) = self.planned("status", &[])?;
                self.expect(complete == wanted, format!("{scene}: status says complete"));
                let (resumed, _) = self.planned("resume", &[])?;
                self.expect(resumed, format!("{scene}: resume failed"));
                self.each_once(&scene)?;
                let (complete, _) = self.planned("status", &[])?;
                self.expect(complete, format!("{scene}: not complete after resume"));
            }
        }
        Ok(attempts)
    }

    /// Every planned file was accepted once, in order, with the planned bytes.
    fn each_once(&mut self, scene: &str) -> Result<()> {
        let uploads = self.index.uploads()?;
        let good = uploads == self.files;
        self.expect(good, format!("{scene}: the index accepted {uploads:?}"));
        Ok(())
    }

    /// Bytes that were not planned stop everything, before anything is uploaded.
    fn wrong_bytes(&mut self) -> Result<()> {
        let half = self.files.len() / 2;
        let (first, last) = (
            self.files[0].0.clone(),
            self.files[self.files.len() - 1].0.clone(),
        );

        // On the index.
        self.index.tell(&format!("reset {half} refuse"))?;
        self.planned("upload", &["--wait", "0"])?;
        self.index.tell("heal")?;
        self.index.tell(&format!("spoil {first}"))?;
        let (resumed, said) = self.planned("resume", &[])?;
        let untouched = self.index.uploads()?.len() == half;
        self.expect(
            !resumed && said.contains("other bytes") && untouched,
            "a changed byte on the index: resume did not refuse",
        );
        let (good, said) = self.planned("verify", &[])?;
        self.expect(
            !good && said.contains(&format!("WRONG      {first}")),
            "a changed byte on the index: verify did not see it",
        );

        // In the folder.
        self.index.tell(&format!("reset {half} refuse"))?;
        self.planned("upload", &["--wait", "0"])?;
        self.index.tell("heal")?;
        spoil(&self.dist.join(&last))?;
        let (resumed, said) = self.planned("resume", &[])?;
        let untouched = self.index.uploads()?.len() == half;
        self.expect(
            !resumed && said.contains("not the planned ones") && untouched,
            "a changed byte in the folder: resume did not refuse",
        );
        Ok(())
    }
}

fn spoil(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path).map_err(Error::io(path))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).map_err(Error::io(path))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
