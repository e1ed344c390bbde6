//! A small project in a temporary folder.

use std::path::Path;

use tempfile::TempDir;
use wheelwright::project::Project;

/// The pyproject.toml of a pure package.
pub const PURE: &str = r#"
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "Little.Package"
version = "1.2.0"
description = "A little package"
readme = "README.md"
requires-python = ">=3.9"
license = "MIT"
license-files = ["LICEN[CS]E*"]
authors = [{ name = "A. Uthor" }, { name = "M. Ailer", email = "m@example.org" }]
dependencies = ["Other_Package >= 1, < 2"]

[project.optional-dependencies]
fast = ["quick"]

[project.scripts]
little = "little_package:main"

[tool.hatch.build.targets.wheel]
packages = ["src/little_package"]
"#;

/// The pyproject.toml of a native package.
pub const NATIVE: &str = r#"
[project]
name = "native"
version = "1.2.0"
license = "MIT"
license-files = ["LICENSE"]

[tool.maturin]
manifest-path = "Cargo.toml"
module-name = "native._core"
python-source = "src"

[tool.wheelwright]
python-tag = "cp39"
abi-tag = "abi3"
"#;

/// Writes `files` and reads the project.
pub fn project(pyproject: &str, files: &[(&str, &str)]) -> (TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pyproject.toml", pyproject);
    for (path, content) in files {
        write(folder.path(), path, content);
    }
    let project = Project::read(folder.path()).unwrap();
    (folder, project)
}

/// The files of [`PURE`], beside which others may lie.
pub const PURE_FILES: &[(&str, &str)] = &[
    ("README.md", "# Little\n"),
    ("LICENSE", "MIT License\n"),
    (
        "src/little_package/__init__.py",
        "def main():\n    print('little')\n",
    ),
    ("src/little_package/py.typed", ""),
    ("src/little_package/deep/er.py", "x = 1\n"),
];

/// The files of [`NATIVE`].
pub const NATIVE_FILES: &[(&str, &str)] =
    &[("LICENSE", "MIT License\n"), ("src/native/__init__.py", "")];

/// Writes a file and the folders it is in.
pub fn write(folder: &Path, path: &str, content: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
