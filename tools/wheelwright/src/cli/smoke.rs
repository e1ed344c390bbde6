//! `wheelwright smoke`: try artifacts that are there.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{FAILED, Outcome};
use crate::smoke::{self, install::Interpreter};
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
    #[arg(long, value_name = "PROGRAM", conflicts_with = "runner")]
    python: Vec<PathBuf>,
    /// Try the wheels of this other platform, with --runner
    #[arg(long, value_name = "NAME", requires = "runner")]
    platform: Option<String>,
    /// A program that runs a Python of that platform here, such as an emulator
    ///
    #[arg(long, value_name = "PROGRAM", requires = "platform")]
    runner: Option<PathBuf>,
    /// The simple index from which locked dependencies come [default: pip's]
    ///
    /// They are those in the file that [tool.wheelwright.smoke] requirements names.
    #[arg(long, value_name = "URL")]
    index: Option<String>,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let workspace = super::repository(self.folder.as_deref())?;
        let folder = self
            .folder
            .clone()
            .unwrap_or_else(|| workspace.root.join("dist"));
        let own = Python::find(None)?;
        let tools = Tools::new(&workspace.work_folder(), &own).with_index(self.index.clone());
        let mut pythons = Vec::new();
        match &self.runner {
            Some(runner) => pythons.push(Python::foreign(runner)?),
            None if self.python.is_empty() => pythons.push(own),
            None => {
                for name in &self.python {
                    pythons.push(Python::find(Some(name))?);
                }
            }
        }
        let foreign = self
            .platform
            .as_deref()
            .map(|name| workspace.table.by_name(name))
            .transpose()?;
        let asked = workspace.named(&self.package)?;
        let mut failed = false;
        for python in &pythons {
            let interpreter = match foreign {
                Some(platform) => Interpreter::Foreign(python, platform),
                None => Interpreter::Own(python),
            };
            for project in &asked {
                let verdict = match smoke::package(project, &folder, &tools, interpreter) {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => {
                        failed = true;
                        format!("FAILED: {}", crate::errors::with_causes(&error))
                    }
                };
                let line = format!("{} with {}: {verdict}\n", project.name, python.description);
                super::print(line.as_bytes())?;
            }
        }
        Ok(if failed {
            ExitCode::from(FAILED)
        } else {
            ExitCode::SUCCESS
        })
    }
}
