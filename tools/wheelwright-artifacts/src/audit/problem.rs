//! What is wrong with a text, before it is known which artifact it is in.

/// One thing that an index or an installer does not take.
///
/// The functions that give these judge text alone, so that the packer can ask
/// them before there is an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is there.
    pub found: String,
    /// What is taken.
    pub allowed: String,
    /// What to do about it.
    pub fix: String,
}

impl Problem {
    /// A problem that is corrected where the project states its metadata.
    pub(super) fn new(found: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self {
            found: found.into(),
            allowed: allowed.into(),
            fix: "correct it in pyproject.toml".into(),
        }
    }

    /// The same problem with other advice.
    pub(super) fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (allowed: {})", self.found, self.allowed)
    }
}
