//! What is said of a package that cannot be tried.

use wheelwright::smoke::install::Interpreter;
use wheelwright::smoke::package;
use wheelwright::toolchain::python::Python;
use wheelwright::toolchain::tools::Tools;

use crate::project::{PURE, PURE_FILES, project};

#[test]
fn a_lock_of_dependencies_that_is_not_there_is_told_before_pip_is_asked() {
    let text = format!("{PURE}\n[tool.wheelwright.smoke]\nrequirements = \"gone.txt\"\n");
    let (folder, project) = project(&text, PURE_FILES);
    let python = Python::find(None).unwrap();
    let tools = Tools::new(&folder.path().join("target"), &python);
    let tried = package(&project, folder.path(), &tools, Interpreter::Own(&python));
    let error = tried.unwrap_err().to_string();
    for wanted in [
        "tool.wheelwright.smoke.requirements: there is no file gone.txt",
        "--generate-hashes",
    ] {
        assert!(error.contains(wanted), "{error}");
    }
    assert!(
        !folder.path().join("target").exists(),
        "nothing is installed"
    );
}
