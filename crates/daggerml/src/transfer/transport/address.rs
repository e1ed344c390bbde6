//! Where a remote is: a folder, or a URL.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{RemoteError, Result};
use crate::folder;

/// What is shown of an address with a password.
const PASSWORD: &str = "an address with a password";

/// The longest address, in bytes.
const LONGEST: usize = 2048;

/// The address of a remote. It shows itself without a query, which may hold what is
/// not for everybody's eyes; passwords are refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    scheme: String,
    path: Option<PathBuf>,
}

impl Address {
    /// Reads an address: a URL, or the path of a folder, which is relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let wrong = |detail: &'static str| {
            Err(RemoteError::AddressInvalid {
                // It may hold a password.
                text: shown(text).to_owned(),
                detail,
            }
            .into())
        };
        if text.is_empty() {
            return wrong("it is empty");
        }
        if text.len() > LONGEST {
            return wrong("it is too long");
        }
        if text.chars().any(char::is_control) {
            return wrong("it has control characters");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            if text.starts_with('-') {
                return wrong("it begins with - like an option; write ./ before it");
            }
            let path = base.join(text);
            if !folder::is_there(&path)
                && let Some(detail) = of_others(text)
            {
                return wrong(detail);
            }
            return Ok(Self::folder(path));
        };
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
        if !scheme.starts_with(|c: char| c.is_ascii_lowercase()) || !scheme.bytes().all(fine) {
            return wrong("what is before :// must be lower-case letters, as in s3://");
        }
        if scheme == "file" {
            let Some(path) = decoded(rest) else {
                return wrong("a % is not followed by two hexadecimal digits of UTF-8 text");
            };
            // `file:///C:/x` on Windows.
            let drive = path.strip_prefix('/').filter(|path| {
                cfg!(windows) && path.as_bytes().get(1).is_some_and(|byte| *byte == b':')
            });
            let path = PathBuf::from(drive.unwrap_or(&path));
            if !path.is_absolute() {
                return wrong("a file: address has three slashes and a path, as in file:///srv/x");
            }
            return Ok(Self::folder(path));
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, machine) = host.rsplit_once('@').unwrap_or(("", host));
        if user.contains(':') {
            return wrong("a password does not belong in an address; use the tools' own settings");
        }
        if user.starts_with('-') || machine.starts_with('-') {
            return wrong("a name in it begins with - like an option");
        }
        if machine.is_empty() {
            return wrong("it names no host or bucket");
        }
        Ok(Self {
            text: text.to_owned(),
            scheme: scheme.to_owned(),
            path: None,
        })
    }

    /// Returns the address of a folder, whatever characters its path has.
    pub fn of_folder(path: &Path) -> Self {
        Self::folder(path.to_owned())
    }

    fn folder(path: PathBuf) -> Self {
        let path = std::path::absolute(&path).unwrap_or(path);
        Self {
            text: path.display().to_string(),
            scheme: "file".to_owned(),
            path: Some(path),
        }
    }

    /// Returns the whole address, as it is kept in the settings.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the scheme: `file` for a folder.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Returns the folder, if it is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.path {
            Some(_) => &self.text,
            None => shown(&self.text),
        })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Returns what is wrong with an address as it is written for another program, in the place
/// of a folder that is not there.
fn of_others(text: &str) -> Option<&'static str> {
    let (first, _) = text.split_once(':')?;
    let schemes = ["file", "ssh", "s3", "gs", "az", "http", "https"];
    if schemes.contains(&first) {
        return Some("after its first word comes ://, as in file:///path and s3://bucket/prefix");
    }
    let (user, rest) = text.split_once('@')?;
    let (host, _) = rest.split_once(':')?;
    let is_host = !user.contains('/') && !host.contains('/');
    is_host.then_some("a path on a host is written ssh://host/path")
}

/// Returns the part of an address that holds no secrets: nothing of one with a password, and
/// no query.
fn shown(text: &str) -> &str {
    let Some((_, rest)) = text.split_once("://") else {
        let is_secret = text
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':') && !user.contains('/'));
        return if is_secret { PASSWORD } else { text };
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
    {
        return PASSWORD;
    }
    text.split(['?', '#']).next().unwrap_or_default()
}

/// Returns the text with each `%xx` replaced by the byte that it stands for.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = crate::id::hex_digit(rest.next()?)?;
                high << 4 | crate::id::hex_digit(rest.next()?)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|path| !path.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address> {
        Address::parse(
            text,
            Path::new(if cfg!(windows) { "C:\\base" } else { "/base" }),
        )
    }

    #[test]
    #[cfg(unix)]
    fn paths_and_file_urls_are_folders() {
        for (text, path) in [
            ("x/y", "/base/x/y"),
            ("/srv/x", "/srv/x"),
            ("file:///srv/a%20b", "/srv/a b"),
            ("../z", "/base/../z"),
            ("a/b@c:d", "/base/a/b@c:d"),
            ("me@home", "/base/me@home"),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.path(), Some(Path::new(path)), "{text}");
            assert_eq!(address.scheme(), "file");
        }
    }

    #[test]
    fn nonsense_is_refused_and_secrets_are_not_shown() {
        let address = parse("s3://bucket/a?token=secret").unwrap();
        assert_eq!(address.to_string(), "s3://bucket/a");
        assert_eq!(address.as_str(), "s3://bucket/a?token=secret");
        assert_eq!(parse("ssh://me@host/a").unwrap().scheme(), "ssh");
        for text in [
            "",
            "-x",
            "a\nb",
            "S3://b",
            "://b",
            "s3://",
            "s3:///x",
            "file://x",
            "file:///a%zz",
            "file:///a%00",
            "ssh://-oProxyCommand=x/y",
            "ssh://-x@host/y",
            "https://me:secret@host/",
            "me@host:team",
            "me:secret@host:team",
            "file:x",
            "s3:bucket/x",
            &"a".repeat(LONGEST + 1),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
