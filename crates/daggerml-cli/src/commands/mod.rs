//! The commands, one file each.

mod branch;
mod bundle;
mod cat;
mod checkout;
mod completions;
mod config;
pub mod dag;
mod diff;
mod excise;
pub mod exec;
mod fsck;
mod gc;
mod import;
mod index;
mod init;
mod log;
mod man;
mod merge;
mod migrate;
mod put;
mod rebase;
mod remote;
mod rev_parse;
mod revert;
mod show;
mod status;
mod tag;
mod ui;
mod version;

use clap::Subcommand;

use crate::context::Context;
use crate::error::CommandError;

/// What `dml` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    Init(init::InitArgs),
    Status(status::StatusArgs),
    Log(log::LogArgs),
    Show(show::ShowArgs),
    Diff(diff::DiffArgs),
    Cat(cat::CatArgs),
    Put(put::PutArgs),
    RevParse(rev_parse::RevParseArgs),
    #[command(subcommand)]
    Dag(dag::DagCommand),
    #[command(subcommand)]
    Index(index::IndexCommand),
    #[command(subcommand)]
    Exec(exec::ExecCommand),
    Branch(branch::BranchArgs),
    Tag(tag::TagArgs),
    Checkout(checkout::CheckoutArgs),
    Merge(merge::MergeArgs),
    Rebase(rebase::RebaseArgs),
    Revert(revert::RevertArgs),
    #[command(subcommand)]
    Remote(remote::RemoteCommand),
    Clone(remote::clone::CloneArgs),
    Fetch(remote::fetch::FetchArgs),
    Pull(remote::pull::PullArgs),
    Push(remote::push::PushArgs),
    #[command(subcommand)]
    Bundle(bundle::BundleCommand),
    Gc(gc::GcArgs),
    Fsck(fsck::FsckArgs),
    Excise(excise::ExciseArgs),
    Migrate(migrate::MigrateArgs),
    #[command(name = "import-0.1")]
    Import(import::ImportArgs),
    Config(config::ConfigArgs),
    Ui(ui::UiArgs),
    Version(version::VersionArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Runs `command`.
pub fn run(context: &mut Context<'_>, command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Init(args) => init::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Log(args) => log::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Diff(args) => diff::run(context, args),
        Command::Cat(args) => cat::run(context, args),
        Command::Put(args) => put::run(context, args),
        Command::RevParse(args) => rev_parse::run(context, args),
        Command::Dag(command) => dag::run(context, command),
        Command::Index(command) => index::run(context, command),
        Command::Exec(command) => exec::run(context, command),
        Command::Branch(args) => branch::run(context, args),
        Command::Tag(args) => tag::run(context, args),
        Command::Checkout(args) => checkout::run(context, args),
        Command::Merge(args) => merge::run(context, args),
        Command::Rebase(args) => rebase::run(context, args),
        Command::Revert(args) => revert::run(context, args),
        Command::Remote(command) => remote::run(context, command),
        Command::Clone(args) => remote::clone::run(context, args),
        Command::Fetch(args) => remote::fetch::run(context, args),
        Command::Pull(args) => remote::pull::run(context, args),
        Command::Push(args) => remote::push::run(context, args),
        Command::Bundle(command) => bundle::run(context, command),
        Command::Gc(args) => gc::run(context, args),
        Command::Fsck(args) => fsck::run(context, args),
        Command::Excise(args) => excise::run(context, args),
        Command::Migrate(args) => migrate::run(context, args),
        Command::Import(args) => import::run(context, args),
        Command::Config(args) => config::run(context, args),
        Command::Ui(args) => ui::run(context, args),
        Command::Version(args) => version::run(context, args),
        Command::Completions(args) => completions::run(context, args),
        Command::Man(args) => man::run(context, args),
    }
}
