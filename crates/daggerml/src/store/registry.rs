//! One environment for each folder in a process: LMDB forbids two.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::error::Result;

use super::{Inner, Store, lock};

static OPEN: Mutex<Option<HashMap<PathBuf, Weak<Inner>>>> = Mutex::new(None);

/// The store in `folder` (canonical), if this process has it open, or else what
/// `open` makes of it.
pub(super) fn find_or(folder: &Path, open: impl FnOnce() -> Result<Store>) -> Result<Store> {
    let mut stores = lock(&OPEN);
    let stores = stores.get_or_insert_default();
    if let Some(inner) = stores.get(folder).and_then(Weak::upgrade) {
        let store = Store { inner };
        store.check_usable()?;
        store.check_there()?;
        return Ok(store);
    }
    // The last handle may be closing at this moment in another thread.
    if let Some(closing) = heed::env_closing_event(folder) {
        closing.wait_timeout(Duration::from_secs(10));
    }
    let store = open()?;
    stores.retain(|_, inner| inner.strong_count() > 0);
    stores.insert(folder.to_owned(), Arc::downgrade(&store.inner));
    Ok(store)
}
