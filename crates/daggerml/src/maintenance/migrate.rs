//! Migration: a store of an older layout becomes one of this engine's.
//!
//! Layout 0 had no tables `meta` and `journal`, and no seals. Until layout 1, each object was an
//! entry of one table.

use std::path::Path;

use crate::error::{Error, Result};
use crate::store::layout::{self, Layout};
use crate::store::layout_1;
use crate::store::{OpenOptions, SCHEMA};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The layout's version before.
    pub from: u64,
    /// The layout's version now.
    pub to: u64,
}

/// Brings the store in the folder `path` (a `.dml`) up to date, in one transaction
/// for each version. A store that is up to date is left alone, so it may be run again.
pub fn migrate(path: &Path) -> Result<Migration> {
    let lmdb = OpenOptions::default().open_any(path)?;
    let unsupported = |detail: String| Error::StoreUnsupported {
        path: lmdb.path().to_owned(),
        detail,
    };
    let mut from = None;
    loop {
        match layout::of(&lmdb)? {
            Layout::Version(SCHEMA) => {
                return Ok(Migration {
                    from: from.unwrap_or(SCHEMA),
                    to: SCHEMA,
                });
            }
            Layout::Version(version) if version > SCHEMA => {
                return Err(unsupported(format!(
                    "its layout is version {version}, this version of DaggerML knows {SCHEMA}; \
                     update DaggerML"
                ))
                .into());
            }
            Layout::Version(0) if from.is_none() => {
                layout::seal_entries(&lmdb)?;
                from = Some(0);
            }
            Layout::Version(1) if from.is_none_or(|from| from == 0) => {
                layout_1::pack_objects(&lmdb)?;
                from = from.or(Some(1));
            }
            found => {
                return Err(
                    unsupported(format!("its layout cannot be migrated: {found:?}")).into(),
                );
            }
        }
    }
}
