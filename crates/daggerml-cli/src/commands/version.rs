use std::io::{self, Write};

use clap::Args;
use daggerml::{record, store};
use serde::Serialize;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{Report, Ui};

/// Print the version; with -v, how this program was built
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml version          the version
  dml version -v       the facts a bug report should have")]
pub struct VersionArgs {}

#[derive(Serialize)]
struct Facts {
    version: &'static str,
    #[serde(flatten)]
    build: Option<Build>,
}

#[derive(Serialize)]
struct Build {
    platform: String,
    profile: &'static str,
    rust: &'static str,
    store_schema: u64,
    record_format: u64,
    program: Option<String>,
}

impl Build {
    fn this() -> Self {
        let env = if cfg!(target_env = "gnu") {
            "-gnu"
        } else if cfg!(target_env = "musl") {
            "-musl"
        } else {
            ""
        };
        let program = std::env::current_exe().ok();
        Self {
            platform: format!("{}-{}{env}", std::env::consts::ARCH, std::env::consts::OS),
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            rust: env!("CARGO_PKG_RUST_VERSION"),
            store_schema: store::SCHEMA,
            record_format: record::VERSION,
            program: program.map(|path| path.display().to_string()),
        }
    }
}

impl Report for Facts {
    fn text(&self, ui: &mut Ui) -> io::Result<()> {
        writeln!(ui.out(), "dml {}", self.version)?;
        if let Some(build) = &self.build {
            writeln!(ui.out(), "platform:      {}", build.platform)?;
            writeln!(ui.out(), "profile:       {}", build.profile)?;
            writeln!(ui.out(), "rust:          {}", build.rust)?;
            writeln!(ui.out(), "store schema:  {}", build.store_schema)?;
            writeln!(ui.out(), "record format: {}", build.record_format)?;
            if let Some(program) = &build.program {
                writeln!(ui.out(), "program:       {program}")?;
            }
        }
        Ok(())
    }
}

pub fn run(context: &mut Context<'_>, _args: &VersionArgs) -> Result<(), CommandError> {
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION"),
        build: context.ui.is_verbose().then(Build::this),
    };
    context.ui.report(&facts)
}
