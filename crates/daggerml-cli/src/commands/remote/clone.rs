use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use daggerml::transfer::remote::{CloneOptions, Depth, Filter, clone};
use serde_json::json;

use super::told::Told;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{size, text};

/// Make a repository that begins as a remote is
///
/// Everything that its branches and tags reach is taken in, verified. When that fails, no
/// repository is left behind. A clone that was interrupted goes on when it is run again.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  dml clone /srv/team              into the folder team
  dml clone /srv/team mine         into the folder mine
  dml clone /srv/team --branch trial
  dml clone /srv/team --depth 1    without the history
  dml clone /srv/team --filter values:1MiB
                                   without values over 1 MiB, until they are read")]
pub struct CloneArgs {
    /// Where the remote is: the path of a folder, or an address such as `file:///path`,
    /// `ssh://host/path` or `s3://bucket/prefix`
    #[arg(value_hint = ValueHint::AnyPath)]
    address: String,

    /// Where to make the repository [default: the last part of the address]
    #[arg(value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,

    /// The branch to check out [default: the one that the remote names]
    #[arg(short, long, value_name = "BRANCH")]
    branch: Option<String>,

    /// What to call the remote
    #[arg(short, long, value_name = "NAME", default_value = "origin")]
    origin: String,

    /// Leave tags there
    #[arg(long)]
    no_tags: bool,

    /// Only the last N commits of each branch, and tags of these: a shallow clone
    #[arg(long, value_name = "N")]
    depth: Option<NonZeroU32>,

    /// Leave values over a size at the remote until they are read: values:1MiB, or values for
    /// all but the smallest
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
}

pub fn run(context: &mut Context<'_>, args: &CloneArgs) -> Result<(), CommandError> {
    let here = std::path::absolute(context.directory())
        .map_err(|error| CommandError::file("find", context.directory(), &error))?;
    let address = super::address(context, &args.address)?;
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => PathBuf::from(named(&args.address).ok_or_else(|| {
            CommandError::wrong_usage(format!("{:?} names no folder to clone into", args.address))
                .hint("name one: `dml clone ADDRESS DIR`")
        })?),
    };
    let root = here.join(dir);
    let options = CloneOptions {
        remote: args.origin.clone(),
        branch: args.branch.clone(),
        tags: !args.no_tags,
        depth: args.depth.map_or(Depth::Keep, Depth::Last),
        filter: match &args.filter {
            Some(text) => Filter::parse(text)?,
            None => Filter::None,
        },
        ..CloneOptions::default()
    };
    let told = Told::new(context.ui);
    let cloned = clone(&address, &root, &options, &told);
    drop(told);
    let cloned = cloned?;
    let received = cloned.fetched.received;
    let shown = cloned.repository.root().display().to_string();
    let json = json!({
        "repository": cloned.repository.root().join(daggerml::repo::FOLDER).display().to_string(),
        "remote": args.origin,
        "url": address.to_string(),
        "branch": cloned.branch,
        "packs": received.packs,
        "objects": received.objects,
        "bytes": received.bytes,
    });
    let message = format_args!(
        "Cloned {address} into {shown}: {} ({}), on branch {}",
        text::count(received.objects, "object"),
        size(received.bytes),
        cloned.branch
    );
    context.ui.done(&json, message)
}

/// Returns the last part of an address, which names the folder of a clone.
fn named(address: &str) -> Option<&str> {
    let path = address.split_once("://").map_or(address, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let name = Path::new(path.trim_end_matches(['/', '\\'])).file_name()?;
    name.to_str()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_clone_is_named_after_its_address() {
        for (address, name) in [
            ("/srv/team", Some("team")),
            ("../team/", Some("team")),
            ("s3://bucket/a/team?region=x", Some("team")),
            ("s3://bucket", Some("bucket")),
            ("/", None),
            ("..", None),
        ] {
            assert_eq!(named(address), name, "{address}");
        }
    }
}
