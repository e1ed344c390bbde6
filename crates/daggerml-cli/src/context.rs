//! What a command is given.

use std::path::{Path, PathBuf};

use daggerml::Repository;

use crate::error::CommandError;
use crate::ui::Ui;

/// One run of a command: where it writes, and which repository it is about.
pub struct Context<'u> {
    /// The user interface.
    pub ui: &'u mut Ui,
    directory: Option<PathBuf>,
}

impl<'u> Context<'u> {
    /// Makes a run that writes to `ui` and works on the repository found from
    /// `directory` upward; from the current folder when there is none.
    pub fn new(ui: &'u mut Ui, directory: Option<PathBuf>) -> Self {
        Self { ui, directory }
    }

    /// Returns the folder to start from.
    pub fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new("."))
    }

    /// Opens the repository.
    pub fn repository(&self) -> Result<Repository, CommandError> {
        Ok(Repository::discover(self.directory())?)
    }
}
