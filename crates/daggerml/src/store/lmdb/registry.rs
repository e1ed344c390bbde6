//! One open file for each folder in a process, since LMDB forbids two.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::error::Result;

use super::{Backend, Lmdb, lock};

static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Lmdb>>>> = Mutex::new(None);

/// Returns the store in `folder`, whose path is canonical: the one that this process has
/// open, or else the one that `open` returns.
pub(super) fn find_or(
    folder: &Path,
    open: impl FnOnce() -> Result<Arc<Lmdb>>,
) -> Result<Arc<Lmdb>> {
    let mut stores = lock(&OPEN);
    let stores = stores.get_or_insert_default();
    if let Some(store) = stores.get(folder).and_then(Weak::upgrade) {
        store.check_usable()?;
        store.check_there()?;
        return Ok(store);
    }
    // The last handle may be closing at this moment in another thread.
    if let Some(closing) = heed::env_closing_event(folder) {
        closing.wait_timeout(Duration::from_secs(10));
    }
    let store = open()?;
    stores.retain(|_, store| store.strong_count() > 0);
    stores.insert(folder.to_owned(), Arc::downgrade(&store));
    Ok(store)
}
