//! Another name for a folder whose own name rustc cannot be given.

use std::ffi::OsString;
use std::path::Path;

/// In `--emit=KIND=PATH`, rustc takes a comma for the end of the path. So a folder with a comma gets
/// another name, for as long as what is returned lives.
pub(super) fn without_commas(
    arguments: &mut [OsString],
) -> std::io::Result<Option<tempfile::TempDir>> {
    let mut alias = None;
    for argument in arguments {
        let Some((kind, file)) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--emit=")?.split_once('='))
        else {
            continue;
        };
        let path = Path::new(file);
        let (true, Some(folder), Some(name)) =
            (file.contains(','), path.parent(), path.file_name())
        else {
            continue;
        };
        let alias = if let Some(alias) = &alias {
            alias
        } else {
            let made = tempfile::tempdir()?;
            link(&std::path::absolute(folder)?, &made.path().join("out"))?;
            alias.insert(made)
        };
        let mut renamed = OsString::from(format!("--emit={kind}="));
        renamed.push(alias.path().join("out").join(name));
        *argument = renamed;
    }
    Ok(alias)
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(windows)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::windows::fs::symlink_dir(to, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_is_kept_from_rustc() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a, b");
        std::fs::create_dir(&folder).unwrap();
        let emit = |path: &Path| OsString::from(format!("--emit=link={}", path.display()));
        let plain = emit(Path::new("deps/libx.rlib"));
        let mut arguments = [plain.clone(), emit(&folder.join("libx.rlib"))];
        let alias = without_commas(&mut arguments).unwrap().unwrap();
        assert_eq!(arguments[0], plain);
        let path = alias.path().join("out").join("libx.rlib");
        assert_eq!(arguments[1], emit(&path));
        std::fs::write(path, "made").unwrap();
        assert!(folder.join("libx.rlib").exists());
    }
}
