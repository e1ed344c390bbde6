//! The flags for rustc that a repository's own `.cargo/config.toml` asks for. The build gives
//! cargo flags by an environment variable, for which cargo passes over those of the file.

use std::path::Path;
use std::str::FromStr;

use cargo_metadata::cargo_platform::{Cfg, Platform as Condition};
use toml::Value;

use crate::project::cargo_config;
use crate::toolchain::ToolError;

/// The flags that the workspace in `root` has for `target`, as cargo chooses them: all of
/// `[target]` that fit, or else those of `[build]`. `cfgs` asks rustc what is set for the
/// target.
///
/// # Errors
/// `cfgs` has one.
pub(super) fn flags(
    root: &Path,
    target: &str,
    cfgs: impl FnOnce() -> Result<Vec<Cfg>, ToolError>,
) -> Result<Vec<String>, ToolError> {
    let Some(settings) = cargo_config::read(root) else {
        return Ok(Vec::new());
    };
    let stated = settings.get("target").and_then(Value::as_table);
    let stated: Vec<(&String, &Value)> = stated
        .into_iter()
        .flatten()
        .filter_map(|(name, table)| Some((name, table.get("rustflags")?)))
        .collect();
    let known = if stated.iter().any(|(name, _)| name.starts_with("cfg(")) {
        cfgs()?
    } else {
        Vec::new()
    };
    let fits = |name: &str| {
        name == target
            || name.starts_with("cfg(")
                && Condition::from_str(name).is_ok_and(|one| one.matches(target, &known))
    };
    let mut of_target = stated.into_iter().filter(|(name, _)| fits(name)).peekable();
    if of_target.peek().is_some() {
        return Ok(of_target.flat_map(|(_, value)| words(value)).collect());
    }
    let build = settings
        .get("build")
        .and_then(|build| build.get("rustflags"));
    Ok(build.map(words).unwrap_or_default())
}

/// Flags, as a list or as one text.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(list) => list
            .iter()
            .filter_map(|one| Some(one.as_str()?.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_chosen_as_cargo_does() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".cargo")).unwrap();
        let cfgs = || {
            Ok(vec!["unix", "target_os=\"linux\""]).map(|all| {
                all.into_iter()
                    .map(|one| Cfg::from_str(one).unwrap())
                    .collect()
            })
        };
        let of = |text: &str| {
            std::fs::write(folder.path().join(".cargo/config.toml"), text).unwrap();
            flags(folder.path(), "x86_64-unknown-linux-gnu", cfgs).unwrap()
        };
        let build = "[build]\nrustflags = '--cfg tokio_unstable'\n";
        assert_eq!(of(build), ["--cfg", "tokio_unstable"]);
        let other = format!("{build}[target.aarch64-apple-darwin]\nrustflags = ['-Ca']\n");
        assert_eq!(of(&other), ["--cfg", "tokio_unstable"]);
        let both = format!(
            "{build}[target.'cfg(unix)']\nrustflags = ['-Cb']\n[target.'cfg(windows)']\n\
             rustflags = ['-Cc']\n[target.x86_64-unknown-linux-gnu]\nrustflags = ['-Cd']\n"
        );
        assert_eq!(of(&both), ["-Cb", "-Cd"]);
        assert_eq!(of("[alias]\na = 'b'\n"), [""; 0]);
    }
}
