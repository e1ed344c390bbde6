//! `wheelwright pack`: the primitive that other build systems call.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Outcome;
use crate::pack::wheel::{self, Native};
use crate::project::abi::{Abi, Interpreter};
use crate::project::files::File;
use crate::project::workspace;

/// Pack one wheel from a project and, if it has one, its compiled extension
///
/// Compiles nothing, starts no other program and needs no network; the project
/// may be read-only. Prints the wheel's path.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The folder that holds pyproject.toml
    #[arg(long, value_name = "FOLDER")]
    project: PathBuf,
    /// The compiled extension, if the package has one
    #[arg(long, value_name = "FILE", requires = "platform_tag")]
    extension: Option<PathBuf>,
    /// The platform that the extension runs on, such as `manylinux_2_28_x86_64`
    #[arg(long, value_name = "TAG", requires = "extension")]
    platform_tag: Option<String>,
    /// The CPython that the extension is compiled for, such as `cp312` or `cp314t`,
    /// where the project states no tags and does not use the stable ABI
    #[arg(long, value_name = "NAME", requires = "extension")]
    interpreter: Option<Interpreter>,
    /// An SBOM for .dist-info/sboms (may be repeated)
    #[arg(long, value_name = "FILE")]
    sbom: Vec<PathBuf>,
    /// Where to write the wheel
    #[arg(long, value_name = "FOLDER", default_value = "dist")]
    out: PathBuf,
}

impl Args {
    pub(super) fn run(self) -> Outcome {
        let mut project = workspace::project(&self.project)?;
        project.choose(self.interpreter.as_slice())?;
        let abi = match project.abis[..] {
            [] => Abi::Stated,
            [abi] => abi,
            [Abi::Stated, ..] if self.interpreter.is_none() => Abi::Stated,
            _ => {
                return Err(format!(
                    "{} is built for each CPython by itself; say for which this extension is, \
                     as --interpreter cp312",
                    project.name
                )
                .into());
            }
        };
        crate::project::files::warn_of_left_out(&project)?;
        let extension = self.extension.map(|path| super::read(&path)).transpose()?;
        let native = extension.as_deref().zip(self.platform_tag.as_deref());
        let native = native.map(|(extension, platform_tag)| Native {
            extension,
            platform_tag,
            abi,
        });
        let mut more = Vec::new();
        for path in &self.sbom {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            more.push(File {
                path: format!("sboms/{name}"),
                bytes: super::read(path)?,
            });
        }
        let path = wheel::pack(&project, native, &more)?.write(&self.out)?;
        super::print(format!("{}\n", path.display()).as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
