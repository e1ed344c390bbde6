//! The platform table (`platforms.toml`): one row for each wheel of a native
//! package.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Platform {
    /// What people call it: `linux-x86_64`.
    pub name: String,
    /// The wheel's platform tag.
    pub wheel_tag: String,
    /// The target that rustc compiles for.
    pub rust_target: String,
    /// The target that zig compiles C for and links for.
    pub zig_target: String,
    /// The name rustc gives a dynamic library; `{}` is the crate's name.
    pub library: String,
}

impl Platform {
    /// Is this a row for Apple's systems?
    pub fn is_apple(&self) -> bool {
        self.rust_target.contains("-apple-")
    }

    /// The file name of the library that rustc writes for crate `name`.
    pub fn library_name(&self, name: &str) -> String {
        self.library.replace("{}", &name.replace('-', "_"))
    }
}

/// The machine that wheelwright runs on has no row in the table.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A name that is in no row.
    #[error("no platform is called {name:?}; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Every name there is.
        known: String,
    },
    /// This machine is in no row.
    #[error(
        "no wheel is built for this machine ({os}, {arch}); name a platform with --platform (known: {known})"
    )]
    Host {
        /// The operating system.
        os: &'static str,
        /// The processor.
        arch: &'static str,
        /// Every name there is.
        known: String,
    },
}

#[derive(Deserialize)]
struct Table {
    platform: Vec<Platform>,
}

static TABLE: LazyLock<Vec<Platform>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant, parsed by the tests")]
    toml::from_str::<Table>(include_str!("platforms.toml"))
        .expect("platforms.toml is well formed")
        .platform
});

/// Every platform, in the order of the table.
pub fn table() -> &'static [Platform] {
    &TABLE
}

/// The platform called `name`.
///
/// # Errors
/// No row has that name.
pub fn by_name(name: &str) -> Result<&'static Platform, PlatformError> {
    table()
        .iter()
        .find(|row| row.name == name)
        .ok_or_else(|| PlatformError::Unknown {
            name: name.to_owned(),
            known: known(),
        })
}

/// The platform with the wheel tag `tag`.
///
/// # Errors
/// No row has that tag.
pub fn by_tag(tag: &str) -> Result<&'static Platform, PlatformError> {
    table()
        .iter()
        .find(|row| row.wheel_tag == tag)
        .ok_or_else(|| PlatformError::Unknown {
            name: tag.to_owned(),
            known: known(),
        })
}

/// The platform of the machine that wheelwright runs on.
///
/// # Errors
/// The machine is in no row.
pub fn host() -> Result<&'static Platform, PlatformError> {
    use std::env::consts::{ARCH, OS};
    let family = match OS {
        "linux" if cfg!(target_env = "musl") => "linux-musl",
        "linux" => "linux-gnu",
        "macos" => "apple-darwin",
        "windows" => "pc-windows-gnullvm",
        other => other,
    };
    table()
        .iter()
        .find(|row| row.rust_target.starts_with(ARCH) && row.rust_target.ends_with(family))
        .ok_or_else(|| PlatformError::Host {
            os: OS,
            arch: ARCH,
            known: known(),
        })
}

fn known() -> String {
    table()
        .iter()
        .map(|row| row.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn rows_are_distinct() {
        let names: HashSet<_> = table().iter().map(|row| &row.name).collect();
        let tags: HashSet<_> = table().iter().map(|row| &row.wheel_tag).collect();
        let targets: HashSet<_> = table().iter().map(|row| &row.rust_target).collect();
        assert_eq!(
            (names.len(), tags.len(), targets.len()),
            (table().len(), table().len(), table().len())
        );
    }

    #[test]
    fn the_host_is_found_and_names_resolve() {
        let host = host().unwrap();
        assert!(host.rust_target.starts_with(std::env::consts::ARCH));
        assert_eq!(by_name(&host.name).unwrap(), host);
        assert_eq!(by_tag(&host.wheel_tag).unwrap(), host);
        let error = by_name("amiga-68000").unwrap_err().to_string();
        assert!(
            error.contains("amiga-68000") && error.contains("linux-x86_64"),
            "{error}"
        );
    }
}
