//! What is outside of a repository, and the judge that says whether it was touched.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test helper may panic"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a victim's file holds, as TOML that no parser takes.
pub const SECRET: &str = "precious";

/// Longer than any command needs on any machine: a bound for what hangs.
const BOUND: Duration = Duration::from_mins(1);

/// A victim's folder.
pub struct Outside {
    pub victim: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

impl Outside {
    /// A folder `victim` in `base`, with files that must stay as they are.
    pub fn new(base: &Path) -> Self {
        let victim = base.join("victim");
        fs::create_dir(&victim).unwrap();
        for name in [
            "a.txt",
            ".bashrc",
            "secret.toml",
            "0123456789abcdef0123456789abcdef",
        ] {
            fs::write(victim.join(name), format!("= {SECRET}\n")).unwrap();
        }
        let before = everything(&victim);
        Self { victim, before }
    }

    /// Checks that all is as it was.
    pub fn check(&self, about: &str) {
        assert_eq!(everything(&self.victim), self.before, "{about} did harm");
    }
}

/// Every file with what it holds, when it was changed and who may use it.
fn everything(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        let content = fs::read(&path).unwrap_or_default();
        let told = (facts.mode(), facts.uid(), facts.mtime(), facts.mtime_nsec());
        found.insert(path, format!("{told:?} {content:?}"));
    }
    found
}

/// Runs `command` to its end, which must come.
pub fn ended(command: &mut Command, about: &str) -> Output {
    command.stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > BOUND {
            child.kill().unwrap();
            panic!("{about} waits for ever");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.wait_with_output().unwrap()
}

/// Reads what `strace -f -y` wrote: no call that succeeded opened anything of `victim`,
/// and none that changes anything did so outside of `folder`.
pub fn judge(trace: &str, victim: &Path, folder: &Path) {
    let (victim, folder) = (victim.to_str().unwrap(), folder.to_str().unwrap());
    let mut inside = 0;
    for line in trace.lines() {
        let call = line
            .split_once(' ')
            .map_or(line, |(_, call)| call.trim_start());
        let Some((name, rest)) = call.split_once('(') else {
            continue;
        };
        let failed = rest.contains(") = -1 ") || !rest.contains(") = ");
        if failed
            || matches!(
                name,
                "execve" | "readlink" | "readlinkat" | "getcwd" | "chdir"
            )
        {
            continue;
        }
        assert!(
            !rest.contains(victim) || is_look(name),
            "it went to the victim: {line}"
        );
        let opens = matches!(name, "open" | "openat" | "openat2" | "creat");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
        let changes = if opens {
            writes.iter().any(|flag| rest.contains(flag)) || name == "creat"
        } else {
            !is_look(name)
        };
        if changes {
            let harmless = rest.contains("/dev/null") || rest.contains("/dev/tty");
            assert!(
                rest.contains(folder) || harmless,
                "it wrote outside: {line}"
            );
            inside += usize::from(rest.contains(folder));
        }
    }
    // The repository is used, so the judge saw something.
    assert!(trace.contains(folder) || inside > 0, "{trace}");
}

/// Calls that only look.
fn is_look(name: &str) -> bool {
    let looks = [
        "stat",
        "lstat",
        "newfstatat",
        "statx",
        "access",
        "faccessat",
        "faccessat2",
    ];
    looks.contains(&name) || name.contains("statfs")
}
