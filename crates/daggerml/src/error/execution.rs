//! What can go wrong when a call is run, beside the function itself.

use std::time::Duration;

use super::ErrorKind;
use crate::record::CallKey;

/// A call was not run to its end. (A function that fails is a call that ended.)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// A runnable names an adapter that is not registered.
    #[error("there is no adapter {name:?}; there are: {}", known.join(", "))]
    AdapterNotFound {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Text cannot be the name of an adapter.
    #[error("{name:?} is not the name of an adapter: it must be [a-z0-9][a-z0-9-]*")]
    AdapterName {
        /// The text.
        name: String,
    },
    /// The adapter failed.
    #[error("the adapter {adapter} failed: {detail}{}", shown(log))]
    AdapterFailed {
        /// Its name.
        adapter: String,
        /// The call.
        key: CallKey,
        /// What happened.
        detail: String,
        /// The last lines that it wrote to standard error.
        log: String,
    },
    /// The call did not end in the time that it was given.
    #[error("the call did not end within {} s{}", limit.as_secs_f64(), shown(log))]
    Timeout {
        /// The call.
        key: CallKey,
        /// The time.
        limit: Duration,
        /// The last lines that the adapter wrote to standard error.
        log: String,
    },
    /// The call was stopped.
    #[error("the call was canceled")]
    Canceled {
        /// The call.
        key: CallKey,
    },
    /// A call waits for itself.
    #[error("the call {key} is nested in itself, so it can never end")]
    Cycle {
        /// The call.
        key: CallKey,
    },
    /// The stored state of a call or a claim cannot be read.
    #[error("the {what} of the call {key} cannot be read: {detail}")]
    StateInvalid {
        /// `claim` or `cache entry`.
        what: &'static str,
        /// The call.
        key: CallKey,
        /// What is wrong with it.
        detail: String,
    },
}

fn shown(log: &str) -> String {
    let log = log.trim_end();
    if log.is_empty() {
        String::new()
    } else {
        format!("\nthe end of its log:\n{log}")
    }
}

impl ExecutionError {
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::AdapterNotFound { .. } => ErrorKind::NotFound,
            Self::AdapterName { .. } | Self::Cycle { .. } => ErrorKind::Invalid,
            Self::AdapterFailed { .. } => ErrorKind::Adapter,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Canceled { .. } => ErrorKind::Canceled,
            Self::StateInvalid { .. } => ErrorKind::Corrupt,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::AdapterNotFound { name, .. } => format!(
                "install daggerml-adapter-{name}, or allow it in your own settings: \
                 `dml config --user adapters.allow {name}` (with a comma after each other one)"
            ),
            Self::AdapterFailed { key, .. } | Self::Timeout { key, .. } => {
                format!("`dml exec log {}` shows the whole log", short(*key))
            }
            Self::Cycle { .. } => "give the nested call other arguments".to_owned(),
            Self::StateInvalid { .. } => {
                "a newer DaggerML may have written it; run `dml fsck` to see".to_owned()
            }
            Self::AdapterName { .. } | Self::Canceled { .. } => return None,
        })
    }
}

fn short(key: CallKey) -> String {
    key.to_string().chars().take(12).collect()
}
