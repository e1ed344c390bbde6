//! `wheelwright attest`, `trust` and `verify`, as programs: with keys and verdicts of
//! `ssh-keygen`, and with indexes and rebuilders that mean ill.

mod agree;
mod attacks;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use wheelwright_artifacts::rebuild::envelope::Envelope;
use wheelwright_artifacts::rebuild::key::PrivateKey;
use wheelwright_artifacts::rebuild::statement::Statement;

use crate::repository::{Repository, stderr, wheelwright};

const RELEASE: &str = "engine==1.2.0";
const WHEEL: &str = "engine-1.2.0-py3-none-any.whl";
const SDIST: &str = "engine-1.2.0.tar.gz";
const REBUILDERS: [&str; 3] = ["ada", "bob", "cyd"];

/// A release, three rebuilders who are trusted, and a statement of each.
struct Scene {
    repository: Repository,
}

impl Scene {
    fn new() -> Self {
        let scene = Self {
            repository: Repository::new(),
        };
        std::fs::create_dir(scene.repository.path("statements")).unwrap();
        for name in REBUILDERS {
            scene.keygen(
                &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name],
                "",
            );
            scene.exits(0, &["trust", "add", name, &format!("{name}.pub")]);
            if name == "ada" {
                scene.attest(name);
            } else {
                scene.forge("ada", name, &statement(name), |_| ());
            }
        }
        scene
    }

    fn attest(&self, name: &str) {
        self.exits(0, &["attest", "--key", name, "--out", &statement(name)]);
    }

    fn path(&self, path: &str) -> PathBuf {
        self.repository.path(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        wheelwright(&self.path("."))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Runs the program, which must end with `code`; returns everything it printed.
    fn exits(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    /// Verifies the release in `dist`.
    fn verify(&self, code: i32, more: &[&str]) -> String {
        let usual = [
            "verify",
            RELEASE,
            "--folder",
            "dist",
            "--statements",
            "statements",
        ];
        self.exits(code, &[&usual[..], more].concat())
    }

    fn keygen(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(self.path("."))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended before it read all.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Signs, by the key of `name`, a statement like that of `like`, but changed.
    fn forge(&self, like: &str, name: &str, out: &str, change: impl FnOnce(&mut Statement)) {
        let bytes = std::fs::read(self.path(&statement(like))).unwrap();
        let envelope = Envelope::parse(&bytes).unwrap();
        let mut statement = Statement::parse(envelope.payload()).unwrap();
        change(&mut statement);
        let key = PrivateKey::parse(&self.repository.read(name)).unwrap();
        let envelope = Envelope::seal(statement.to_bytes(), &key).to_bytes();
        std::fs::write(self.path(out), envelope).unwrap();
    }
}

/// The path of a rebuilder's statement.
fn statement(name: &str) -> String {
    format!("statements/{name}.rebuild.json")
}
