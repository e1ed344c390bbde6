//! Remotes on another machine: `ssh HOST dml remote serve PATH` speaks the helpers' protocol.

use std::ffi::OsString;

use super::Address;
use super::helper::commands::HelperCommand;
use crate::config::{Config, Scope};
use crate::error::{RemoteError, Result};

/// The setting that says which program is `dml` on other machines.
const DML: &str = "helper.ssh.dml";

/// Returns the command that reaches an `ssh://` address. The system's `ssh` and the user's
/// settings of it do the rest; it never asks for a password.
pub(super) fn command(address: &Address) -> Result<HelperCommand> {
    let dml = Config::of_user()?.get_list_in(Scope::User, DML)?;
    made(address.as_str(), &dml).map_err(|detail| {
        RemoteError::AddressInvalid {
            text: address.to_string(),
            detail,
        }
        .into()
    })
}

fn made(address: &str, dml: &[String]) -> Result<HelperCommand, &'static str> {
    let rest = address.strip_prefix("ssh://").unwrap_or_default();
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (place, port) = match place.rsplit_once(':') {
        Some((place, port)) => (place, Some(port)),
        None => (place, None),
    };
    if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
        return Err("its port is not a number from 1 to 65535");
    }
    let (user, host) = place
        .split_once('@')
        .map_or((None, place), |(u, h)| (Some(u), h));
    if !is_plain(host, "") || user.is_some_and(|user| !is_plain(user, "")) {
        return Err("a user or host is letters, digits, `.`, `-` and `_`, and no `-` first");
    }
    // A path in the home folder, or one from the root.
    let path = match path.strip_prefix("~/") {
        Some(path) => path.to_owned(),
        None => format!("/{path}"),
    };
    // A shell reads it on the other side.
    if !is_plain(&path, "/~+@,=:") || path == "/" || path.starts_with('~') {
        return Err("its path is missing, or has a character that a shell could misread");
    }
    let dml = match dml {
        [] => vec!["dml".to_owned()],
        words => words.to_vec(),
    };
    if !dml.iter().all(|word| is_plain(word, "/~+@,=:")) {
        return Err("the setting helper.ssh.dml has a character that a shell could misread");
    }
    let mut args = vec!["-oBatchMode=yes".to_owned()];
    if let Some(port) = port {
        args.extend(["-p".to_owned(), port.to_owned()]);
    }
    args.extend(["--".to_owned(), place.to_owned()]);
    args.extend(dml);
    args.extend(["remote", "serve", "--"].map(str::to_owned));
    args.push(path);
    Ok(HelperCommand {
        program: "ssh".into(),
        args: args.into_iter().map(OsString::from).collect(),
    })
}

/// Returns whether `text` means itself to `ssh` and to any shell.
fn is_plain(text: &str, more: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c) || more.contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(address: &str) -> Result<String, &'static str> {
        let command = made(address, &[])?;
        let args = command.args.iter().map(|arg| arg.to_str().unwrap());
        Ok(args.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_command_is_ssh() {
        for (address, expected) in [
            (
                "ssh://host/srv/team",
                "-- host dml remote serve -- /srv/team",
            ),
            (
                "ssh://me@host:2222/x",
                "-p 2222 -- me@host dml remote serve -- /x",
            ),
            (
                "ssh://host/~/team.dml",
                "-- host dml remote serve -- team.dml",
            ),
        ] {
            assert_eq!(
                words(address).unwrap(),
                format!("-oBatchMode=yes {expected}")
            );
        }
        let dml = made("ssh://h/x", &["/opt/dml".to_owned()]).unwrap();
        assert!(dml.args.contains(&"/opt/dml".into()));
    }

    #[test]
    fn what_a_shell_or_ssh_would_misread_is_refused() {
        for address in [
            "ssh://-oProxyCommand=x/y",
            "ssh://-l@host/y",
            "ssh://me@-x/y",
            "ssh://host",
            "ssh://host/",
            "ssh://host/a b",
            "ssh://host/$(id)",
            "ssh://host/a;b",
            "ssh://host/`id`",
            "ssh://host/a'b",
            "ssh://host/a\\b",
            "ssh://host/a|b",
            "ssh://host/a%20b",
            "ssh://host/~/-x",
            "ssh://host/~/",
            "ssh://host/~/~other",
            "ssh://ho st/x",
            "ssh://host:0/x",
            "ssh://host:x/x",
            "ssh://host:65536/x",
            "ssh://[::1]/x",
            "ssh://a@b@c/x",
            "ssh://host/*",
            "ssh:///x",
        ] {
            assert!(words(address).is_err(), "{address}");
        }
        assert!(made("ssh://h/x", &["a;b".to_owned()]).is_err());
    }
}
