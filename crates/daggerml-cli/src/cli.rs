//! The options that every command has, and the list of commands.

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Style};
use clap::{Args, Parser, ValueHint};

use crate::commands::Command;
use crate::ui::{ColorChoice, Look};

const STYLES: Styles = Styles::styled()
    .header(Style::new().bold().underline())
    .usage(Style::new().bold().underline())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(Style::new().dimmed());

/// Version control for computations
///
/// A repository (a folder with `.dml` in it) holds immutable values, nodes, DAGs
/// and commits. Programs write DAGs with the Python package `daggerml`; this
/// command looks at them, compares them, and looks after the repository.
///
/// Results go to standard output, messages to standard error.
#[derive(Parser, Debug)]
#[command(
    name = "dml",
    version,
    styles = STYLES,
    propagate_version = false,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Colour: a terminal has it, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 conflict."
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command has.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Use the repository in DIR or the nearest folder above it
    #[arg(
        short = 'C',
        long,
        value_name = "DIR",
        global = true,
        value_hint = ValueHint::DirPath,
        display_order = 900
    )]
    pub repository: Option<PathBuf>,

    /// Print one JSON document instead of text; errors too
    #[arg(long, global = true, display_order = 901)]
    pub json: bool,

    /// When to use colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t = ColorChoice::Auto,
        hide_possible_values = true,
        hide_default_value = true,
        display_order = 902
    )]
    pub color: ColorChoice,

    /// Print results and errors only, no messages
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = 903
    )]
    pub quiet: bool,

    /// Print more
    #[arg(short, long, global = true, display_order = 904)]
    pub verbose: bool,
}

impl Globals {
    /// Returns how the output is to look.
    pub fn look(&self) -> Look {
        Look {
            json: self.json,
            color: self.color,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_tree_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
