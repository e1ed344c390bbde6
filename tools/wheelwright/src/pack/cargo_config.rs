//! The part of cargo's configuration that an sdist has: what decides over what is compiled.

use std::path::Path;

use toml::{Table, Value};

use crate::project::cargo_config;
use crate::project::files::File;

/// Where it lies in an sdist: pip starts cargo there.
const PLACE: &str = ".cargo/config.toml";
/// Its tables; the others are about the work in a repository.
const DECISIVE: &[&str] = &["build", "env", "patch", "paths", "profile", "target"];

/// The configuration of the workspace in `root`, if it decides over anything.
pub(super) fn file(root: &Path) -> Option<File> {
    let mut settings = cargo_config::read(root)?;
    settings.retain(|table, _| DECISIVE.contains(&table));
    if let Some(build) = settings.get_mut("build").and_then(Value::as_table_mut) {
        // The other keys are about a machine.
        build.retain(|key, _| key == "rustflags");
    }
    settings.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
    (!settings.is_empty()).then(|| File {
        path: PLACE.to_owned(),
        bytes: settings.to_string().into_bytes(),
    })
}

/// Adds to the files of an sdist the configuration that `cargo vendor` printed.
///
/// # Errors
/// It is not TOML.
pub(super) fn add_vendored(all: &mut Vec<File>, printed: &[u8]) -> Result<(), toml::de::Error> {
    let Some(there) = all.iter_mut().find(|file| file.path == PLACE) else {
        all.push(File {
            path: PLACE.to_owned(),
            bytes: printed.to_vec(),
        });
        return Ok(());
    };
    let mut settings: Table = toml::from_str(&String::from_utf8_lossy(&there.bytes))?;
    settings.extend(toml::from_str::<Table>(&String::from_utf8_lossy(printed))?);
    there.bytes = settings.to_string().into_bytes();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sdist_has_what_decides_over_bytes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".cargo")).unwrap();
        let of = |text: &str| {
            std::fs::write(folder.path().join(".cargo/config.toml"), text).unwrap();
            file(folder.path())
        };
        assert_eq!(
            of("[alias]\na = 'b'\n[build]\njobs = 2\n").map(|file| file.path),
            None
        );
        let kept = of("[net]\noffline = true\n[build]\njobs = 2\nrustflags = ['--cfg', 'a']\n");
        let mut all = vec![kept.unwrap()];
        let text = |all: &[File]| String::from_utf8(all[0].bytes.clone()).unwrap();
        assert_eq!(text(&all), "[build]\nrustflags = [\"--cfg\", \"a\"]\n");
        add_vendored(
            &mut all,
            b"[source.vendored-sources]\ndirectory = \"vendor\"\n",
        )
        .unwrap();
        assert_eq!(all.len(), 1);
        let both: Table = text(&all).parse().unwrap();
        assert!(both.contains_key("build") && both.contains_key("source"));
    }
}
