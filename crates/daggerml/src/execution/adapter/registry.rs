//! Which adapters there are, and what programs they are.
//!
//! The engine looks for no program by a name that comes from data: whoever makes
//! the executor says what a name stands for.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use crate::config::{Config, Scope};
use crate::error::{ExecutionError, Result};

/// The name of the adapter that is built in.
pub const LOCAL: &str = "local";

/// The longest name.
const MAX_NAME: usize = 64;

/// The name of an adapter: `[a-z0-9][a-z0-9-]*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterName(String);

impl AdapterName {
    /// Makes the name that `text` is. Empty text is [`LOCAL`].
    pub fn new(text: &str) -> Result<Self, ExecutionError> {
        let text = if text.is_empty() { LOCAL } else { text };
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.len() <= MAX_NAME && text.bytes().all(fine) && !text.starts_with('-') {
            return Ok(Self(text.to_owned()));
        }
        Err(ExecutionError::AdapterName {
            name: text.to_owned(),
        })
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdapterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The program of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterCommand {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The most processes to keep warm; 0 starts a fresh one for every call.
    pub processes: usize,
    /// Whether it is told where the repository is and gets partial bundles.
    pub shares_repository: bool,
}

impl AdapterCommand {
    /// Makes the program `program` without arguments, fresh for every call.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            processes: 0,
            shares_repository: false,
        }
    }
}

/// What adapters there are.
#[derive(Clone, Debug, Default)]
pub struct AdapterRegistry(BTreeMap<AdapterName, AdapterCommand>);

impl AdapterRegistry {
    /// Registers an adapter, unless its name is taken. Returns whether it was not.
    pub fn add(&mut self, name: AdapterName, command: AdapterCommand) -> bool {
        match self.0.entry(name) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(command);
                true
            }
            std::collections::btree_map::Entry::Occupied(_) => false,
        }
    }

    /// Registers what the user's settings allow: the names in `adapters.allow`, each
    /// the program `adapter.NAME.command` or else `daggerml-adapter-NAME`. How many
    /// processes stay warm may be said by the repository's settings too.
    pub fn add_from(&mut self, config: &Config) -> Result<()> {
        for name in config.get_list_in(Scope::User, "adapters.allow")? {
            let name = AdapterName::new(&name)?;
            let words = config.get_list_in(Scope::User, &format!("adapter.{name}.command"))?;
            let mut words = words.into_iter().map(OsString::from);
            let program = words
                .next()
                .unwrap_or_else(|| format!("daggerml-adapter-{name}").into());
            let mut command = AdapterCommand::new(program);
            command.args = words.collect();
            self.add(name, command);
        }
        for (name, command) in &mut self.0 {
            if let Some(set) = config.get(&format!("adapter.{name}.processes"))? {
                command.processes =
                    set.value
                        .parse()
                        .map_err(|_| crate::error::Error::Invalid {
                            message: format!(
                                "{} must be a whole number, not {:?}",
                                set.key, set.value
                            ),
                        })?;
            }
        }
        Ok(())
    }

    /// Returns the program of the adapter that a runnable names.
    pub fn find(&self, name: &str) -> Result<(&AdapterName, &AdapterCommand), ExecutionError> {
        let name = AdapterName::new(name)?;
        self.0
            .get_key_value(&name)
            .ok_or_else(|| ExecutionError::AdapterNotFound {
                name: name.to_string(),
                known: self.names().map(ToString::to_string).collect(),
            })
    }

    /// Returns the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &AdapterName> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_paths_or_worse_are_refused() {
        for bad in [
            "../x", "/bin/sh", "x/y", "x\\y", "-x", "X", "é", "x y", "x;y", "$(x)", "`x`", "x\n",
            ".", "..", "x.exe", "x\0", "a|b", "a&b", "*", "~", "C:x",
        ] {
            assert!(AdapterName::new(bad).is_err(), "{bad:?}");
        }
        assert!(AdapterName::new(&"a".repeat(65)).is_err());
        for good in ["local", "dask", "0", "a-b", "a--", &"a".repeat(64)] {
            assert!(AdapterName::new(good).is_ok(), "{good:?}");
        }
        assert_eq!(AdapterName::new("").unwrap().as_str(), LOCAL);
    }

    #[test]
    fn the_first_of_a_name_stays() {
        let mut registry = AdapterRegistry::default();
        let name = AdapterName::new(LOCAL).unwrap();
        assert!(registry.add(name.clone(), AdapterCommand::new("first")));
        assert!(!registry.add(name, AdapterCommand::new("second")));
        assert_eq!(registry.find("").unwrap().1.program, "first");
    }
}
