//! When to use colour.

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ValueEnum;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Returns the choice of that name; `auto` for anything else, which clap will refuse.
    pub fn parse(name: Option<&str>) -> Self {
        name.and_then(|name| Self::from_str(name, false).ok())
            .unwrap_or_default()
    }

    /// Returns what it means for `stream`.
    pub fn of(self, stream: &impl RawStream) -> anstream::ColorChoice {
        match self {
            Self::Auto => AutoStream::choice(stream),
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }
}
