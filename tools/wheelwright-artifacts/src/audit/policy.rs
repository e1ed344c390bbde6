//! What an audit holds an artifact to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rules::{self, Rule};
use crate::artifact::Limits;

/// A set of rules, from the few that break users to all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// What an index refuses or what breaks on a machine that the tag promises.
    Index,
    /// That, and the hygiene we hold our own artifacts to.
    #[default]
    Ours,
    /// Every rule there is, with every project exception switched off.
    Strict,
}

/// `[tool.wheelwright.audit]` of a pyproject, or the command line's options.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Policy {
    /// The set of rules to begin with.
    pub profile: Profile,
    /// Rules, or groups (`zip` for `zip-*`), to look at; empty means all of the profile.
    pub select: Vec<String>,
    /// Rules or groups to leave out.
    pub ignore: Vec<String>,
    /// Largest artifact in bytes.
    pub max_size: u64,
    /// Libraries that compiled code may load besides those of its platform.
    pub allow_libraries: Vec<String>,
    /// Member path prefixes whose compiled code is data, not code to run here.
    pub data_paths: Vec<String>,
    /// Strings that must appear nowhere: this build's own folders.
    pub machine_paths: Vec<String>,
    /// The time, in seconds since 1970, that members must carry; any one fixed
    /// time will do when it is not given.
    pub source_date_epoch: Option<u64>,
    /// Bounds on what is read.
    #[serde(skip)]
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            select: Vec::new(),
            ignore: Vec::new(),
            // What the public index takes by default.
            max_size: 100_000_000,
            allow_libraries: Vec::new(),
            data_paths: Vec::new(),
            machine_paths: Vec::new(),
            source_date_epoch: None,
            limits: Limits::default(),
        }
    }
}

/// A policy that cannot be applied.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    /// A name in `select` or `ignore` is neither a rule nor a group.
    #[error("there is no audit rule or group `{name}`; `wheelwright audit --rules` lists them")]
    UnknownRule {
        /// The name.
        name: String,
    },
    /// The pyproject cannot be read.
    #[error("{path}: {reason}")]
    Pyproject {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Policy {
    /// Reads `[tool.wheelwright.audit]` of a pyproject; the default where it has none.
    ///
    /// # Errors
    /// When the file is unreadable, no TOML, or the table does not fit.
    pub fn from_pyproject(path: &std::path::Path) -> Result<Self, PolicyError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Pyproject {
            tool: Tool,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Tool {
            wheelwright: Wheelwright,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Wheelwright {
            audit: Policy,
        }
        let error = |reason: String| PolicyError::Pyproject {
            path: path.display().to_string(),
            reason: reason.trim().replace('\n', " "),
        };
        let text = std::fs::read_to_string(path).map_err(|e| error(e.to_string()))?;
        let file: Pyproject = toml::from_str(&text).map_err(|e| error(e.to_string()))?;
        file.tool.wheelwright.audit.check()
    }

    /// Gives the policy back when every rule it names exists.
    ///
    /// # Errors
    /// Naming the first that does not.
    pub fn check(self) -> Result<Self, PolicyError> {
        for name in self.select.iter().chain(&self.ignore) {
            if !rules::RULES.iter().any(|rule| names(name, rule)) {
                return Err(PolicyError::UnknownRule { name: name.clone() });
            }
        }
        Ok(self)
    }

    /// The ids of the rules this policy applies.
    pub fn selected(&self) -> BTreeSet<&'static str> {
        rules::RULES
            .iter()
            .filter(|rule| {
                if self.select.is_empty() {
                    rule.profile <= self.profile
                } else {
                    self.select.iter().any(|name| names(name, rule))
                }
            })
            .filter(|rule| {
                self.profile == Profile::Strict || !self.ignore.iter().any(|name| names(name, rule))
            })
            .map(|rule| rule.id)
            .collect()
    }
}

/// Whether `name` is the rule's id or the group before its first dash.
fn names(name: &str, rule: &Rule) -> bool {
    rule.id == name
        || rule
            .id
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_nest_and_groups_are_prefixes() {
        let of = |profile| {
            Policy {
                profile,
                ..Policy::default()
            }
            .selected()
        };
        assert!(of(Profile::Index).is_subset(&of(Profile::Ours)));
        let policy = Policy {
            select: vec!["zip".into()],
            ignore: vec!["zip-order".into()],
            ..Policy::default()
        };
        let ids = policy.selected();
        assert!(ids.iter().all(|id| id.starts_with("zip-")));
        assert!(ids.contains("zip-time") && !ids.contains("zip-order"));
    }

    #[test]
    fn unknown_names_are_refused() {
        let policy = Policy {
            select: vec!["zi".into()],
            ..Policy::default()
        };
        assert_eq!(
            policy.check(),
            Err(PolicyError::UnknownRule { name: "zi".into() })
        );
        assert!(toml::from_str::<Policy>("colour = 1").is_err());
    }
}
