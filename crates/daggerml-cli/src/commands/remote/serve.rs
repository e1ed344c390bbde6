use std::io::{self, BufWriter, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueHint};
use daggerml::transfer::transport::{self, Address, OpenOptions};

use crate::context::Context;
use crate::error::CommandError;

/// Serve a remote to another machine, over standard input and output
///
/// `ssh` starts this on the machine where the remote is, when an address begins with
/// `ssh`. The remote is a folder, which the first push makes. It speaks the protocol of
/// helpers, and ends with its input.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml remote add origin ssh://host/srv/team   what uses it
  dml remote serve --read-only /srv/team      in authorized_keys, as a forced command")]
pub struct ServeArgs {
    /// The folder of the remote
    #[arg(value_name = "PATH", value_hint = ValueHint::DirPath)]
    path: PathBuf,

    /// Deny everything that would change the remote
    #[arg(long)]
    read_only: bool,
}

pub fn run(context: &mut Context<'_>, args: &ServeArgs) -> Result<(), CommandError> {
    let input = io::stdin();
    if input.is_terminal() {
        return Err(
            CommandError::wrong_usage("`dml remote serve` speaks a protocol for programs")
                .hint("use ssh://HOST/PATH as the address of a remote; ssh then starts it"),
        );
    }
    let path = context.directory().join(&args.path);
    let path = std::path::absolute(&path)?;
    let address = Address::of_folder(&path);
    let place = transport::open(&address, &OpenOptions::default())?;
    let output = &mut BufWriter::new(io::stdout().lock());
    Ok(transport::serve(
        &*place,
        args.read_only,
        &mut input.lock(),
        output,
    )?)
}
