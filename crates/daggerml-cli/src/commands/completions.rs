use clap::Args;
use clap_complete::Shell;

use crate::complete;
use crate::context::Context;
use crate::error::CommandError;

/// Print a shell's completion script
///
/// It asks `dml` what can come next, so that it knows branches, tags, remotes and DAGs. Print it
/// anew after an update.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml completions bash > ~/.local/share/bash-completion/completions/dml
  dml completions zsh > ~/.zfunc/_dml          (with ~/.zfunc in $fpath)
  dml completions fish > ~/.config/fish/completions/dml.fish
  dml completions powershell >> $PROFILE")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub fn run(context: &mut Context<'_>, args: &CompletionsArgs) -> Result<(), CommandError> {
    let name = args.shell.to_string();
    let script = complete::script(&name);
    context.ui.document("script", &script)
}
