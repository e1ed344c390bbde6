//! `wheelwright release try`: install it as its users do.

use std::path::PathBuf;

use super::super::Outcome;
use super::passed;
use crate::index::address::Address;
use crate::release::install::{self, Installer, Source};
use crate::toolchain::python::Python;
use crate::toolchain::tools::Tools;

/// Install the release with pip, uv and pipx into fresh environments, and try it
///
/// Each package alone, in publish order, from the index (or the folder) and from
/// nowhere else; then the steps in [tool.wheelwright.smoke] of its pyproject.toml.
/// pipx installs the packages that have commands.
#[derive(clap::Args)]
pub(super) struct Try {
    /// The simple index to install from
    #[arg(
        long,
        value_name = "URL",
        env = "WHEELWRIGHT_INDEX",
        hide_env_values = true,
        required_unless_present = "dist"
    )]
    index: Option<String>,
    /// Install from this folder, not from an index
    #[arg(long, value_name = "FOLDER")]
    dist: Option<PathBuf>,
    /// This package only (may be repeated)
    #[arg(long, value_name = "NAME")]
    package: Vec<String>,
    /// Use this installer only (may be repeated)
    #[arg(long, value_name = "INSTALLER")]
    with: Vec<Installer>,
    /// Use this Python
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
}

impl Try {
    pub(super) fn run(self) -> Outcome {
        let workspace = super::super::repository(self.dist.as_deref())?;
        let python = Python::find(self.python.as_deref())?;
        let tools = Tools::new(&workspace.work_folder(), &python);
        let address = self.index.as_deref().map(Address::parse).transpose()?;
        let source = match (&self.dist, &address) {
            (Some(folder), _) => Source::Folder(folder),
            (None, Some(address)) => Source::Index(address),
            (None, None) => return Err("name an index (--index) or a folder (--dist)".into()),
        };
        let installers = if self.with.is_empty() {
            Installer::ALL.to_vec()
        } else {
            self.with
        };
        let projects = workspace.named(&self.package)?;
        let mut all = true;
        for installer in installers {
            for project in &projects {
                let name = installer.name();
                let verdict = if install::applies(installer, project) {
                    match install::try_package(project, installer, source, &tools, &python) {
                        Ok(()) => "ok".to_owned(),
                        Err(error) => {
                            all = false;
                            format!("FAILED: {}", crate::errors::with_causes(&error))
                        }
                    }
                } else {
                    "not tried: no commands, or needs more than ours".to_owned()
                };
                let line = format!(
                    "{name:<5} {} {}: {verdict}\n",
                    project.name, project.version
                );
                super::super::print(line.as_bytes())?;
            }
        }
        Ok(passed(all))
    }
}
