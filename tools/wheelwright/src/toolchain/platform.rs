//! The platform table (`platforms.toml` and `[[platform]]` of `wheelwright.toml`): one row
//! for each wheel of a native package.

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

    /// Is this the machine that wheelwright runs on?
    pub fn is_host(&self) -> bool {
        use std::env::consts::{ARCH, OS};
        let machine = match ARCH {
            "x86" => "i686",
            "arm" => "armv7",
            "powerpc64" if cfg!(target_endian = "little") => "powerpc64le",
            "riscv64" => "riscv64gc",
            other => other,
        };
        let system = match OS {
            "linux" if cfg!(target_env = "musl") => "-linux-musl",
            "linux" => "-linux-gnu",
            "macos" => "-apple-darwin",
            "windows" => "-pc-windows-",
            _ => return false,
        };
        self.rust_target.split('-').next() == Some(machine) && self.rust_target.contains(system)
    }

    /// How many bits an address has there.
    pub fn pointer_width(&self) -> u32 {
        let machine = self.rust_target.split('-').next().unwrap_or_default();
        if machine.contains("64") || machine == "s390x" {
            64
        } else {
            32
        }
    }

    /// The file name of the library that rustc writes for crate `name`.
    pub fn library_name(&self, name: &str) -> String {
        self.library.replace("{}", &name.replace('-', "_"))
    }
}

/// A platform that has no row in the table.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// A name that is in no row.
    #[error(
        "no platform is called {name:?}; {nearest}there are: {known} (another one is added by a \
         [[platform]] in wheelwright.toml)"
    )]
    Unknown {
        /// The name asked for.
        name: String,
        /// The name that was most likely meant, as a question, or nothing.
        nearest: String,
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

/// The form of `platforms.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    platforms: Vec<String>,
    platform: Vec<Platform>,
}

static OWN: LazyLock<Own> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a constant, parsed by the tests")]
    toml::from_str(include_str!("platforms.toml")).expect("platforms.toml is well formed")
});

/// The platforms of a repository that names none.
pub fn usual() -> &'static [String] {
    &OWN.platforms
}

/// The rows that a repository can choose from: wheelwright's own, and those of its
/// `wheelwright.toml`.
#[derive(Debug, Clone)]
pub struct Table(Vec<&'static Platform>);

impl Table {
    /// The rows of `platforms.toml` alone.
    pub fn own() -> Self {
        Self(OWN.platform.iter().collect())
    }

    /// The rows of `platforms.toml` and `more`, which take the place of those that have
    /// their names.
    pub fn with(more: Vec<Platform>) -> Self {
        let mut rows = Self::own().0;
        for row in more {
            // Everything that is built refers to its row. A process reads one repository,
            // so its few rows live as long as the process, like wheelwright's own.
            let row: &'static Platform = Box::leak(Box::new(row));
            match rows.iter_mut().find(|known| known.name == row.name) {
                Some(known) => *known = row,
                None => rows.push(row),
            }
        }
        Self(rows)
    }

    /// Every row, in the order of the table.
    pub fn rows(&self) -> &[&'static Platform] {
        &self.0
    }

    /// The platform called `name`.
    ///
    /// # Errors
    /// No row has that name.
    pub fn by_name(&self, name: &str) -> Result<&'static Platform, PlatformError> {
        let found = self.0.iter().find(|row| row.name == name);
        found.copied().ok_or_else(|| {
            let known: Vec<&str> = self.0.iter().map(|row| row.name.as_str()).collect();
            let nearest = crate::errors::nearest(name, &known)
                .map_or_else(String::new, |near| format!("did you mean {near}? "));
            PlatformError::Unknown {
                name: name.to_owned(),
                nearest,
                known: known.join(", "),
            }
        })
    }

    /// The platform of the machine that wheelwright runs on.
    ///
    /// # Errors
    /// The machine is in no row.
    pub fn host(&self) -> Result<&'static Platform, PlatformError> {
        let found = self.0.iter().find(|row| row.is_host());
        found.copied().ok_or_else(|| PlatformError::Host {
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            known: self.names(),
        })
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|row| row.name.as_str()).collect();
        names.join(", ")
    }
}

/// The platform of the machine that wheelwright runs on, in wheelwright's own table.
///
/// # Errors
/// The machine is in no row.
pub fn host() -> Result<&'static Platform, PlatformError> {
    Table::own().host()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn row(name: &str, wheel_tag: &str, zig_target: &str) -> Platform {
        Platform {
            name: name.to_owned(),
            wheel_tag: wheel_tag.to_owned(),
            rust_target: "x86_64-unknown-linux-gnu".to_owned(),
            zig_target: zig_target.to_owned(),
            library: "lib{}.so".to_owned(),
        }
    }

    #[test]
    fn rows_are_distinct() {
        let table = Table::own();
        let set = |column: fn(&Platform) -> &String| -> HashSet<&String> {
            table.rows().iter().map(|row| column(row)).collect()
        };
        for column in [
            set(|row| &row.name),
            set(|row| &row.wheel_tag),
            set(|row| &row.rust_target),
            set(|row| &row.zig_target),
        ] {
            assert_eq!(column.len(), table.rows().len());
        }
        for name in usual() {
            assert!(table.by_name(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn the_host_is_found_and_names_resolve() {
        let host = host().unwrap();
        assert!(host.is_host());
        let table = Table::own();
        assert_eq!(table.by_name(&host.name).unwrap(), host);
        assert_eq!(
            table.rows().iter().filter(|row| row.is_host()).count(),
            1,
            "a machine of 64 bits is not also one of 32"
        );
        let error = table.by_name("amiga-68000").unwrap_err().to_string();
        assert!(
            error.contains("amiga-68000") && error.contains("linux-x86_64"),
            "{error}"
        );
        assert!(!error.contains("did you mean"), "{error}");
        let error = table.by_name("Linux-x86-64").unwrap_err().to_string();
        assert!(error.contains("did you mean linux-x86_64?"), "{error}");
    }

    #[test]
    fn addresses_are_as_wide_as_the_machine_has_them() {
        let narrow: Vec<&str> = (Table::own().rows().iter())
            .filter(|row| row.pointer_width() == 32)
            .map(|row| row.name.as_str())
            .collect();
        assert_eq!(
            narrow,
            [
                "windows-x86",
                "linux-i686",
                "linux-armv7l",
                "musllinux-i686",
                "musllinux-armv7l"
            ]
        );
    }

    #[test]
    fn a_row_takes_the_place_of_the_one_with_its_name() {
        let older = row(
            "linux-x86_64",
            "manylinux_2_17_x86_64",
            "x86_64-linux-gnu.2.17",
        );
        let further = row("oldest", "manylinux_2_12_x86_64", "x86_64-linux-gnu.2.12");
        let table = Table::with(vec![older.clone(), further.clone()]);
        assert_eq!(table.by_name("linux-x86_64").unwrap(), &older);
        assert_eq!(table.rows().last(), Some(&&further));
        assert_eq!(table.rows().len(), Table::own().rows().len() + 1);
    }
}
