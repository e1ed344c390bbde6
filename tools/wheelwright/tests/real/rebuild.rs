//! A rebuild whose requirements come from an index, as they were on a day.

use std::process::Command;

use super::{said, wheelwright, write};

const PYPROJECT: &str = "[build-system]\nrequires = [\"hatchling\"]\n\
    build-backend = \"hatchling.build\"\n[project]\nname = \"demo\"\nversion = \"1.0\"\n";

#[test]
#[ignore = "fetches uv and hatchling; `cargo checks real` runs it"]
fn the_requirements_are_those_of_the_day() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "demo-1.0/pyproject.toml", PYPROJECT);
    write(folder.path(), "demo-1.0/demo.py", "x = 1\n");
    write(folder.path(), "dist/.keep", "");
    let sdist = Command::new("tar")
        .args(["czf", "dist/demo-1.0.tar.gz", "demo-1.0"])
        .current_dir(folder.path())
        .status();
    assert!(sdist.unwrap().success());
    // Any wheel of this name: what is made of the sdist is compared with it.
    let wheel = "import zipfile as z; z.ZipFile('dist/demo-1.0-py3-none-any.whl', 'w')\
        .writestr('demo-1.0.dist-info/WHEEL', 'Generator: hatchling 1.26.3\\n')";
    let python = Command::new("python3")
        .args(["-c", wheel])
        .current_dir(folder.path())
        .status();
    assert!(python.unwrap().success());
    let rebuild = ["rebuild", "demo==1.0", "--folder", "dist", "--run-code"];
    let versions = |more: &[&str]| {
        let output = wheelwright(folder.path(), &[&rebuild[..], more].concat());
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        said(&output)
    };
    // 1.27.0 is of 15 December 2024; the wheel names 1.26.3.
    let text = versions(&["--as-of", "2025-01-01T00:00:00Z"]);
    assert!(text.contains("hatchling 1.26.3"), "{text}");
    assert!(text.contains("trove-classifiers 2024."), "{text}");
    // On that day there was no such version yet.
    let text = versions(&["--as-of", "2024-06-01T00:00:00Z"]);
    assert!(text.contains("not built with hatchling==1.26.3"), "{text}");
    assert!(text.contains("hatchling 1.24.2"), "{text}");
}
