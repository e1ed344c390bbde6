//! `wheelwright smoke`: try artifacts that are there.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{FAILED, Outcome};
use crate::project::workspace::Workspace;
use crate::smoke;
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;

/// Install the wheels of a folder into fresh environments and try them
///
/// One environment for each package, in publish order, from that folder alone
/// (no index); then the steps in [tool.wheelwright.smoke] of its pyproject.toml.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder of wheels [default: dist, beside wheelwright.toml]
    folder: Option<PathBuf>,
    /// Try this package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// Try them with this Python (may be repeated)
    #[arg(long, value_name = "PROGRAM")]
    python: Vec<PathBuf>,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let workspace = Workspace::find(&std::env::current_dir()?)?;
        let folder = self.folder.unwrap_or_else(|| workspace.root.join("dist"));
        let tools = Tools::new(&workspace.work_folder(), &Python::find(None)?);
        let pythons = if self.python.is_empty() {
            vec![Python::find(None)?]
        } else {
            self.python
                .iter()
                .map(|name| Python::find(Some(name)))
                .collect::<Result<_, _>>()?
        };
        let mut failed = false;
        for python in &pythons {
            for project in &workspace.projects {
                if !self.package.is_empty()
                    && !self
                        .package
                        .iter()
                        .any(|name| name == project.name.written())
                {
                    continue;
                }
                let verdict = match smoke::package(project, &folder, &tools, python) {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => {
                        failed = true;
                        format!("FAILED: {}", super::full_message(&error))
                    }
                };
                super::print(
                    format!("{} with {}: {verdict}\n", project.name, python.description).as_bytes(),
                )?;
            }
        }
        Ok(if failed {
            ExitCode::from(FAILED)
        } else {
            ExitCode::SUCCESS
        })
    }
}
