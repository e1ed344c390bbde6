//! A library that Python calls by cffi, from its crate to a call of it.

use std::process::Command;

use super::{repository, said, wheelwright, write};

const PYPROJECT: &str = "\
[build-system]
requires = [\"maturin>=1,<2\"]
build-backend = \"maturin\"

[project]
name = \"points\"
version = \"1.0.0\"
requires-python = \">=3.9\"
dependencies = [\"cffi\"]

[tool.maturin]
bindings = \"cffi\"

[tool.wheelwright.smoke]
requirements = \"smoke-requirements.txt\"

[[tool.wheelwright.smoke.step]]
run = [\"python\", \"-c\", \"\"\"
from points import ffi, lib

print(lib.add(40, 2), lib.length(ffi.new('Point *', {'x': 3, 'y': 4})))
\"\"\"]
stdout = \"42 5.0\"
";
const CARGO: &str = "\
[package]
name = \"points\"
version = \"1.0.0\"
edition = \"2024\"

[lib]
crate-type = [\"cdylib\"]
";
const LIBRARY: &str = "\
#[repr(C)]
pub struct Point {
    x: f64,
    y: f64,
}

#[unsafe(no_mangle)]
pub extern \"C\" fn add(a: i32, b: i32) -> i32 {
    a + b
}

#[unsafe(no_mangle)]
pub extern \"C\" fn length(point: &Point) -> f64 {
    point.x.hypot(point.y)
}
";

#[test]
#[ignore = "builds with zig and fetches cffi; `cargo checks real` runs it"]
fn a_library_is_installed_with_cffi_and_called() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(root, "pyproject.toml", PYPROJECT);
    write(root, "Cargo.toml", CARGO);
    write(root, "src/lib.rs", LIBRARY);
    // The versions that `ffi.py` is written by.
    let lock = "tools/wheelwright/src/toolchain/requirements/cffi.txt";
    let lock = std::fs::read_to_string(repository().join(lock)).unwrap();
    write(root, "smoke-requirements.txt", &lock);
    let locked = Command::new("cargo")
        .arg("generate-lockfile")
        .current_dir(root)
        .status()
        .unwrap();
    assert!(locked.success());

    let text = said(&wheelwright(root, &["build", "--host"]));
    assert!(text.contains("2 artifacts, 0 failed"), "{text}");
    assert!(text.contains("points-1.0.0-py3-none-"), "{text}");
    assert!(text.contains("tried  points-1.0.0"), "{text}");
}
