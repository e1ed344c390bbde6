//! What the store's folder is on: LMDB needs a local file system.

use std::path::Path;

use crate::error::{Error, Result};

/// The environment variable that allows network file systems when it is `allow`.
pub(super) const OVERRIDE: &str = "DML_NETWORK_FS";

/// Refuses network file systems: LMDB's locks and shared memory do not reach other
/// machines there, and two writers at once would destroy the store.
pub(super) fn check_local(folder: &Path) -> Result<()> {
    if std::env::var(OVERRIDE).is_ok_and(|value| value == "allow") {
        return Ok(());
    }
    match network(folder) {
        None => Ok(()),
        Some(kind) => Err(Error::StoreUnsupported {
            path: folder.to_owned(),
            detail: format!(
                "it is on a network file system ({kind}), where two machines that write at once \
                 would destroy it; keep it on a local disk, or set {OVERRIDE}=allow if only one \
                 machine at a time uses it"
            ),
        }
        .into()),
    }
}

/// Returns the kind of network file system that `folder` is on, if it is.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn network(folder: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(folder).ok()?;
    kind_of_magic(u64::try_from(found.f_type).ok()? & 0xffff_ffff)
}

/// Returns the network file system with that number in Linux.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn kind_of_magic(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x0116_1970 => "GFS2",
        0x7461_636f => "OCFS2",
        0x1983_0326 => "BeeGFS",
        0x4750_4653 => "GPFS",
        _ => return None,
    })
}

#[cfg(target_os = "macos")]
fn network(folder: &Path) -> Option<&'static str> {
    let found = rustix::fs::statfs(folder).ok()?;
    let name: Vec<u8> = found
        .f_fstypename
        .iter()
        .map(|&byte| byte.cast_unsigned())
        .take_while(|&byte| byte != 0)
        .collect();
    ["nfs", "smbfs", "afpfs", "webdav", "cifs", "ftp"]
        .into_iter()
        .find(|kind| kind.as_bytes() == name)
}

#[cfg(windows)]
fn network(folder: &Path) -> Option<&'static str> {
    use std::path::{Component, Prefix};
    match folder.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::UNC(..) | Prefix::VerbatimUNC(..) => Some("SMB"),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "macos",
    windows
)))]
fn network(_folder: &Path) -> Option<&'static str> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind_of_magic(0x6969), Some("NFS"));
        assert_eq!(kind_of_magic(0xfe53_4d42), Some("SMB"));
        assert_eq!(kind_of_magic(0xef53), None); // ext4
        assert_eq!(kind_of_magic(0x0102_1994), None); // tmpfs
        assert_eq!(network(Path::new("/proc")), None);
    }
}
