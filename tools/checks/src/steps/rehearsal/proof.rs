//! Three rebuilders attest the release, and users verify it from the index: all is well,
//! and then everything that an attacker can do to the files and the statements.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Stage, spoil, text};
use crate::error::{Error, Result};
use crate::venv::Venv;

const REBUILDERS: [&str; 3] = ["ada", "bob", "cyd"];
/// Who is trusted, in the repository and in the scene.
const TRUST: &str = "trust.toml";
/// How `wheelwright verify` ends.
const AGREED: i32 = 0;
const DISAGREEMENT: i32 = 1;
const TOO_FEW: i32 = 2;
const NOT_FOUND: i32 = 3;

/// Rebuilders with their keys and statements, beside the stage's index.
struct Scene<'a, 'b> {
    stage: &'a mut Stage<'b>,
    /// A git repository, whose commit the statements name.
    folder: PathBuf,
    releases: Vec<String>,
}

impl Stage<'_> {
    /// Attests and verifies the release; returns how long one verification took.
    pub(super) fn proof(&mut self, tools: &Venv) -> Result<String> {
        self.index.tell("reset never refuse")?;
        self.planned("upload", &[])?;
        let folder = self.plan.with_file_name("proof");
        fs::create_dir_all(folder.join("statements")).map_err(Error::io(&folder))?;
        let releases = self.releases();
        let mut scene = Scene {
            stage: self,
            folder,
            releases,
        };
        scene.attest()?;
        scene.read_by_others(tools)?;
        let started = Instant::now();
        scene.verify(AGREED, "a good release")?;
        let seconds = started.elapsed().as_secs_f64();
        scene.judged_as_in_the_release()?;
        scene.bad_statements()?;
        scene.bad_keys()?;
        scene.bad_files()?;
        Ok(format!("verified in {seconds:.1} s"))
    }

    /// Each package as `NAME==VERSION`, by its sdist.
    fn releases(&self) -> Vec<String> {
        let names = self.files.iter().filter_map(|(file, _)| {
            let (name, version) = file.strip_suffix(".tar.gz")?.rsplit_once('-')?;
            Some(format!("{name}=={version}"))
        });
        names.collect()
    }
}

impl Scene<'_, '_> {
    fn attest(&mut self) -> Result<()> {
        let settings = self.folder.join("wheelwright.toml");
        fs::write(&settings, "").map_err(Error::io(&settings))?;
        let who = ["-c", "user.name=r", "-c", "user.email=r@example.org"];
        self.run("git", &["init", "--quiet"])?;
        self.run("git", &["add", "wheelwright.toml"])?;
        let commit = ["-c", "commit.gpgsign=false", "commit", "-q", "-m", "x"];
        self.run("git", &[&who[..], &commit].concat())?;
        // The project's own file to begin with: it lists nobody, so nothing is proved.
        let (own, copy) = (self.stage.context.root.join(TRUST), self.folder.join(TRUST));
        fs::copy(&own, &copy).map_err(Error::io(&own))?;
        if !fs::read_to_string(&copy)
            .map_err(Error::io(&copy))?
            .contains("[[rebuilder]]")
        {
            self.verify(TOO_FEW, "no rebuilder yet")?;
        }
        for name in REBUILDERS {
            let make = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name];
            self.run("ssh-keygen", &make)?;
            let public = format!("{name}.pub");
            self.wheelwright(AGREED, "trust", &["trust", "add", name, &public])?;
            let out = statement(name);
            let dist = text(&self.stage.dist);
            let make = ["attest", &dist, "--key", name, "--out", &out];
            self.wheelwright(AGREED, "attest", &make)?;
        }
        Ok(())
    }

    /// The judge of the workflow's job `agree`: a folder, and two of three.
    fn judged_as_in_the_release(&mut self) -> Result<()> {
        let dist = text(&self.stage.dist);
        let judge = ["verify", &dist, "--threshold", "2", "--statements"];
        self.wheelwright(
            AGREED,
            "the folder",
            &[&judge[..], &["statements"]].concat(),
        )?;
        let one = statement("ada");
        self.wheelwright(TOO_FEW, "one of two", &[&judge[..], &[&one]].concat())?;
        let skipped = ["attest", &dist, "--key-variable", "NO_SUCH_KEY"];
        let said = self.wheelwright(AGREED, "a job without a key", &skipped)?;
        self.stage.expect(
            said.contains("skipped: no statement of cargo"),
            format!("attest without a key: {said}"),
        );
        Ok(())
    }

    /// OpenSSH and Python's tools read what we wrote.
    fn read_by_others(&mut self, tools: &Venv) -> Result<()> {
        let (file, key) = (statement("ada"), self.folder.join("ada.pub"));
        let line = fs::read_to_string(&key).map_err(Error::io(&key))?;
        let signers = self.folder.join("signers");
        fs::write(&signers, format!("ada {line}")).map_err(Error::io(&signers))?;
        let input = self.folder.join(&file);
        let mut command = self.stage.context.command("ssh-keygen");
        command
            .args(["-Y", "verify", "-f", "signers", "-I", "ada"])
            .args(["-n", "wheelwright-rebuild", "-s"])
            .arg(format!("{file}.sig"))
            .stdin(fs::File::open(&input).map_err(Error::io(&input))?)
            .current_dir(&self.folder);
        // Not through the log, which gives programs no standard input.
        let verdict = command.output().map_err(Error::io(&input))?;
        let said = String::from_utf8_lossy(&[verdict.stdout, verdict.stderr].concat()).into_owned();
        self.stage.expect(
            verdict.status.success(),
            format!("ssh-keygen does not find the signature good: {said}"),
        );

        let script = self
            .stage
            .context
            .root
            .join("tools/release/read_statement.py");
        for (key, good) in [("ada.pub", true), ("bob.pub", false)] {
            let mut command = self.stage.context.command(tools.python());
            command.arg("-I").arg(&script).args([&file, key]);
            command.current_dir(&self.folder);
            let (status, said) = self.stage.log.capture(&mut command)?;
            let listed =
                self.stage.files.iter().all(|(name, sha256)| {
                    said.lines().any(|line| line == format!("{sha256} {name}"))
                });
            let right = status.success() == good && listed == good;
            self.stage.expect(
                right,
                format!("securesystemslib and in-toto, with {key}: {said}"),
            );
        }
        Ok(())
    }

    fn bad_statements(&mut self) -> Result<()> {
        // One rebuilder made something else: of the same names, other bytes.
        let other = self.folder.join("other");
        fs::create_dir_all(&other).map_err(Error::io(&other))?;
        for (name, _) in self.stage.files.clone() {
            let (from, to) = (self.stage.dist.join(&name), other.join(&name));
            fs::copy(&from, &to).map_err(Error::io(&from))?;
        }
        spoil(&other.join(&self.stage.files[0].0))?;
        let good = self.folder.join(statement("cyd"));
        let kept = self.folder.join("cyd.kept");
        fs::copy(&good, &kept).map_err(Error::io(&good))?;
        let lie = [
            "attest",
            "other",
            "--key",
            "cyd",
            "--out",
            &statement("cyd"),
        ];
        self.wheelwright(AGREED, "attest", &lie)?;
        self.verify(DISAGREEMENT, "one rebuilder lies")?;
        // It was shown an older, good statement; the newer one counts all the same.
        let older = self.folder.join(statement("older"));
        fs::copy(&kept, &older).map_err(Error::io(&kept))?;
        self.verify(DISAGREEMENT, "an old statement is shown again")?;
        fs::remove_file(&older).map_err(Error::io(&older))?;
        fs::copy(&kept, &good).map_err(Error::io(&kept))?;
        // Cut off, or by somebody else, a statement does not count; two are enough.
        let bytes = fs::read(&good).map_err(Error::io(&good))?;
        fs::write(&good, &bytes[..bytes.len() / 2]).map_err(Error::io(&good))?;
        self.verify(AGREED, "a statement is cut off")?;
        let second = self.folder.join(statement("bob"));
        let kept = fs::read(&second).map_err(Error::io(&second))?;
        fs::remove_file(&second).map_err(Error::io(&second))?;
        self.verify(TOO_FEW, "one statement is left")?;
        fs::write(&second, kept).map_err(Error::io(&second))?;
        fs::write(&good, bytes).map_err(Error::io(&good))
    }

    fn bad_keys(&mut self) -> Result<()> {
        let path = self.folder.join(TRUST);
        let trust = fs::read_to_string(&path).map_err(Error::io(&path))?;
        for more in ["expires = \"2020-01-01\"", "revoked = \"stolen\""] {
            let bob = "name = \"bob\"\n";
            let changed = trust.replace(bob, &format!("{bob}{more}\n"));
            fs::write(&path, &changed).map_err(Error::io(&path))?;
            self.verify(AGREED, "two good keys are left")?;
            let cyd = "name = \"cyd\"\n";
            let changed = changed.replace(cyd, &format!("{cyd}{more}\n"));
            fs::write(&path, changed).map_err(Error::io(&path))?;
            self.verify(TOO_FEW, more)?;
        }
        fs::write(&path, trust).map_err(Error::io(&path))
    }

    fn bad_files(&mut self) -> Result<()> {
        let first = self.stage.files[0].0.clone();
        self.stage.index.tell(&format!("spoil {first}"))?;
        let said = self.verify(DISAGREEMENT, "a changed byte on the index")?;
        let named = said
            .lines()
            .any(|line| line.starts_with(&first) && line.contains("DISAGREE"));
        self.stage
            .expect(named, format!("verify does not name {first}"));
        self.stage.index.tell("reset never refuse")?;
        self.verify(NOT_FOUND, "an empty index")?;
        Ok(())
    }

    /// Verifies every package from the index, which must end with `code`.
    fn verify(&mut self, code: i32, scene: &str) -> Result<String> {
        let index = self.stage.index.simple();
        let releases = self.releases.clone();
        let mut arguments = vec!["verify", "--index", &index, "--statements", "statements"];
        arguments.extend(releases.iter().map(String::as_str));
        self.wheelwright(code, scene, &arguments)
    }

    fn wheelwright(&mut self, code: i32, scene: &str, arguments: &[&str]) -> Result<String> {
        let mut command: Command = self.stage.context.command(&self.stage.wheelwright);
        command.args(arguments).current_dir(&self.folder);
        let (status, said) = self.stage.log.capture(&mut command)?;
        let right = status.code() == Some(code);
        self.stage.expect(
            right,
            format!("{scene}: ended with {status}, not {code}: {said}"),
        );
        Ok(said)
    }

    fn run(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = self.stage.context.command(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .current_dir(&self.folder);
        self.stage.log.run(&mut command)
    }
}

/// The path of a rebuilder's statement.
fn statement(name: &str) -> String {
    format!("statements/{name}.rebuild.json")
}
