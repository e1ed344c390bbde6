//! Real builds of small packages, with zig, cargo and Python. They take a minute
//! or two and may fetch zig, so `cargo checks real` runs them, not `cargo test`.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cffi;
mod newcomer;
mod not_reproducible;
mod rebuild;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs wheelwright in `folder`, with this repository's zig and pip.
fn wheelwright(folder: &Path, arguments: &[&str]) -> Output {
    let tools = repository().join("target/wheelwright/tools");
    Command::new(env!("CARGO_BIN_EXE_wheelwright"))
        .args(arguments)
        .current_dir(folder)
        .env("WHEELWRIGHT_TOOLS", tools)
        .output()
        .unwrap()
}

fn repository() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap().to_owned()
}

fn write(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
