//! `wheelwright rebuild`, as a program, on packages whose backend lies in their source:
//! nothing is fetched.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod hostile;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use wheelwright::toolchain::python::Python;

const BACKEND: &str = include_str!("backend.py");
const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n";
const WHEEL: &str = "demo-1.0-py3-none-any.whl";
const SDIST: &str = "demo-1.0.tar.gz";

/// The Python that wheelwright finds, too.
fn python() -> PathBuf {
    Python::find(None).unwrap().program
}

/// A folder with a release in `dist`.
struct Release {
    folder: TempDir,
}

impl Release {
    /// The sdist of a source whose file `how` holds this text, and no wheel.
    fn sdist(how: &str) -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(this.path("dist")).unwrap();
        this.pack(&[
            ("demo-1.0/pyproject.toml", PYPROJECT),
            ("demo-1.0/backend.py", BACKEND),
            ("demo-1.0/demo.py", "x = 1\n"),
            ("demo-1.0/how", how),
        ]);
        this
    }

    /// The same with the wheel that its backend makes at this time.
    fn whole(how: &str, epoch: &str) -> Self {
        let this = Self::sdist(how);
        let source = this.path("source");
        std::fs::create_dir(&source).unwrap();
        for (name, text) in [("backend.py", BACKEND), ("demo.py", "x = 1\n"), ("how", "")] {
            std::fs::write(source.join(name), text).unwrap();
        }
        let build = "import backend; backend.build_wheel('../dist')";
        let python = Command::new(python())
            .args(["-c", build])
            .env("SOURCE_DATE_EPOCH", epoch)
            .current_dir(&source)
            .status();
        assert!(python.unwrap().success());
        this
    }

    fn pack(&self, files: &[(&str, &str)]) {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_mtime(0); // Before zip files begin.
            tar.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        self.write_sdist(&tar.into_inner().unwrap());
    }

    fn write_sdist(&self, tar: &[u8]) {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut gzip = vec![0; compressor.gzip_compress_bound(tar.len())];
        let length = compressor.gzip_compress(tar, &mut gzip).unwrap();
        std::fs::write(self.path("dist").join(SDIST), &gzip[..length]).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn wheelwright(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_wheelwright"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("UV_PUBLISH_TOKEN", "hunter22")
            .env("CARGO_REGISTRY_TOKEN", "hunter22")
            .env("HTTPS_PROXY", "http://user:hunter22@127.0.0.1:1/")
            .env("SECRET", "hunter22")
            .env_remove("WHEELWRIGHT_INDEX")
            .output()
            .unwrap()
    }

    /// Runs the program, which must end with `code`; returns everything it printed.
    fn exits(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.wheelwright(arguments);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn rebuild(&self, code: i32, more: &[&str]) -> String {
        let usual = ["rebuild", "demo==1.0", "--folder", "dist", "--run-code"];
        self.exits(code, &[&usual[..], more].concat())
    }
}

#[test]
fn the_ladder_has_three_rungs() {
    let release = Release::whole("", "1700000000");
    let said = release.rebuild(0, &["--strict"]);
    assert!(said.contains(&format!("identical   {WHEEL}")), "{said}");
    let json: Value = serde_json::from_str(&release.rebuild(0, &["--json"])).unwrap();
    let file = &json["files"][0];
    assert_eq!(file["verdict"], "identical");
    assert_eq!(file["built"]["source_date_epoch"], 1_700_000_000);
    assert_eq!(file["sha256"], file["built"]["sha256"]);
    assert_eq!(json["source"]["file"], SDIST);

    // Its members have several times, which nobody can give to the build.
    let edit = "import sys, zipfile\n\
        old = zipfile.ZipFile(sys.argv[1]); new = zipfile.ZipFile('new', 'w')\n\
        for number, member in enumerate(old.infolist()):\n    \
            content = old.read(member)\n    \
            member.date_time = (2001, 1, 1, number, 0, 0)\n    \
            if len(sys.argv) > 2: content = content.replace(b'x = 1', b'x = 2')\n    \
            new.writestr(member, content)\n";
    let wheel = release.path("dist").join(WHEEL);
    let rewrite = |more: &[&str]| {
        let python = Command::new(python())
            .args(["-c", edit])
            .arg(&wheel)
            .args(more)
            .current_dir(release.path("."))
            .status();
        assert!(python.unwrap().success());
        std::fs::rename(release.path("new"), &wheel).unwrap();
    };
    rewrite(&[]);
    let said = release.rebuild(0, &[]);
    assert!(
        said.contains(&format!("equivalent  {WHEEL}: after time")),
        "{said}"
    );
    release.rebuild(1, &["--strict"]);
    rewrite(&["code"]);
    let said = release.rebuild(1, &["--out", "rebuilt"]);
    assert!(
        said.contains("demo.py: line 1: \"x = 2\" / \"x = 1\""),
        "{said}"
    );
    assert!(release.path("rebuilt").join(WHEEL).is_file());
}

#[test]
fn an_identical_file_is_attested_and_no_other() {
    let release = Release::whole("", "1700000000");
    let keygen = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", "key"])
        .current_dir(release.path("."))
        .status();
    assert!(keygen.unwrap().success());
    release.exits(0, &["trust", "add", "ada", "key.pub"]);
    let sign = ["--attest", "demo.rebuild.json", "--key", "key"];
    release.rebuild(0, &sign);
    let judge = [
        "verify",
        "demo==1.0",
        "--folder",
        "dist",
        "--threshold",
        "1",
        "--statements",
    ];
    let said = release.exits(2, &[&judge[..], &["demo.rebuild.json"]].concat());
    let row = |file: &str| said.lines().find(|line| line.starts_with(file)).unwrap();
    assert!(
        row(WHEEL).contains("ada") && row(WHEEL).ends_with("agreed"),
        "{said}"
    );
    // The sdist was built from, and not built again.
    assert!(row(SDIST).contains("TOO FEW"), "{said}");

    std::fs::remove_file(release.path("demo.rebuild.json")).unwrap();
    release.pack(&[
        ("demo-1.0/pyproject.toml", PYPROJECT),
        ("demo-1.0/backend.py", BACKEND),
        ("demo-1.0/demo.py", "x = 3\n"),
        ("demo-1.0/how", ""),
    ]);
    let said = release.rebuild(1, &sign);
    assert!(said.contains("not signed: no file is identical"), "{said}");
    assert!(!release.path("demo.rebuild.json").exists());
}

#[test]
fn nothing_runs_before_it_is_allowed() {
    let release = Release::whole("fail", "1700000000");
    let said = release.exits(2, &["rebuild", "demo==1.0", "--folder", "dist"]);
    assert!(
        said.contains("--run-code") && !said.contains("backend says"),
        "{said}"
    );
    let said = release.rebuild(2, &[]);
    // What the backend says is shown, and gives the terminal no orders.
    assert!(said.contains("the backend says \\u001b[31mno"), "{said}");
}

#[test]
fn a_build_has_no_network_where_the_machine_can_do_that() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let release = Release::whole(&format!("network {port}"), "1700000000");
    let output = release.wheelwright(&[
        "rebuild",
        "demo==1.0",
        "--folder",
        "dist",
        "--run-code",
        "--json",
    ]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = &json["files"][0];
    let network = file["built"]["network"].as_str().unwrap();
    if network == "off" {
        assert_eq!(file["verdict"], "identical", "{json}");
    } else {
        assert!(network.starts_with("on (this machine cannot"), "{json}");
        assert!(
            file["problem"]
                .as_str()
                .unwrap()
                .contains("there is network"),
            "{json}"
        );
    }
}

#[test]
fn what_is_not_there_or_does_not_end() {
    let release = Release::sdist("");
    let said = release.rebuild(3, &[]);
    assert!(said.contains("name one with --file"), "{said}");
    release.rebuild(3, &["--file", "demo-1.0-cp39-abi3-win_amd64.whl"]);
    let none = ["rebuild", "motor==1", "--folder", "dist", "--run-code"];
    release.exits(3, &none);
    release.exits(2, &["rebuild", "demo", "--folder", "dist", "--run-code"]);
    let slow = Release::whole("sleep", "1700000000");
    let said = slow.rebuild(2, &["--time", "2"]);
    assert!(said.contains("took longer than 2 s"), "{said}");
}
