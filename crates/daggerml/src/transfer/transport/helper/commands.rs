//! Which program reaches the remotes of a scheme.
//!
//! Nothing in a repository can say it: only whoever embeds the engine (Python, for the
//! packages that are installed) and the user's own settings.

use std::ffi::OsString;
use std::sync::OnceLock;

use crate::config::{Config, Scope};
use crate::error::{RemoteError, Result};
use crate::transfer::transport::Address;

/// A program that reaches remotes, without the address, which is its last argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperCommand {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// Returns the program for a scheme, where there is one.
pub type Finder = fn(&str) -> Result<Option<HelperCommand>>;

static FINDER: OnceLock<Finder> = OnceLock::new();

/// Sets what finds helpers in this process, before the user's settings do. It is asked when
/// a remote is opened whose scheme is not built in. The first that is set stays.
pub fn set_helper_finder(finder: Finder) {
    let _ = FINDER.set(finder);
}

/// Returns the command that reaches an address. It is seen in lists of processes, so the
/// address must not hold secrets.
pub(in crate::transfer::transport) fn command(
    scheme: &str,
    address: &Address,
) -> Result<Option<HelperCommand>> {
    let text = address.as_str();
    let host = text.split('/').nth(2).unwrap_or_default();
    if text.contains(['?', '#']) || host.contains('@') {
        return Err(RemoteError::AddressInvalid {
            text: address.to_string(),
            detail: "a user, ? and # do not belong in it; use the tools' own settings",
        }
        .into());
    }
    Ok(find(scheme)?.map(|mut command| {
        command.args.push(text.into());
        command
    }))
}

/// Returns the program for `scheme`: that of the finder, or else of the user's settings.
fn find(scheme: &str) -> Result<Option<HelperCommand>> {
    if let Some(finder) = FINDER.get()
        && let Some(command) = finder(scheme)?
    {
        return Ok(Some(command));
    }
    let config = Config::of_user()?;
    let allowed = config.get_list_in(Scope::User, "helpers.allow")?;
    if !allowed.iter().any(|name| name == scheme) {
        return Ok(None);
    }
    let words = config.get_list_in(Scope::User, &format!("helper.{scheme}.command"))?;
    let mut words = words.into_iter().map(OsString::from);
    Ok(Some(HelperCommand {
        program: words
            .next()
            .unwrap_or_else(|| format!("daggerml-remote-{scheme}").into()),
        args: words.collect(),
    }))
}
