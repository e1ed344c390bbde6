//! cargo's configuration of a repository, `.cargo/config.toml`.

use std::path::Path;

use toml::Table;

/// What the configuration of the workspace in `root` says.
pub fn read(root: &Path) -> Option<Table> {
    // cargo takes the first, too, and tells what is wrong with it.
    let mut names = ["config", "config.toml"].iter();
    names.find_map(|name| {
        let text = std::fs::read_to_string(root.join(".cargo").join(name)).ok()?;
        toml::from_str(&text).ok()
    })
}
