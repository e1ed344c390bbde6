use clap::Args;
use clap_complete::Shell;

use crate::context::Context;
use crate::error::CommandError;

/// Print a shell's completion script
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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "dml", &mut script);
    context.ui.document("script", &script)
}
