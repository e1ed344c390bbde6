//! Temporary folders that nobody else can look or write into.

use std::io;

use tempfile::{Builder, TempDir};

/// A new folder below the system's own for such; it goes away with the value.
pub(crate) fn folder(prefix: &str) -> io::Result<TempDir> {
    let mut builder = Builder::new();
    builder.prefix(prefix);
    // By itself it would be as open as the umask leaves it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn others_have_no_access() {
        let folder = super::folder("wheelwright-test-").unwrap();
        let mode = std::fs::metadata(folder.path())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
