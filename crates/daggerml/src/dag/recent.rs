//! Values used recently: a hundred operations on one large list decode it only once.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::id::DatumId;
use crate::value::Value;

/// The most values kept.
const MOST: usize = 32;

/// The most encoded bytes kept, beside the newest value.
const MOST_BYTES: usize = 1 << 20;

/// The last values that operations read or made.
#[derive(Default)]
pub(crate) struct Recent {
    /// Newest first, with the length of the encoding.
    entries: VecDeque<(DatumId, Arc<Value>, usize)>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn get(&self, id: DatumId) -> Option<Arc<Value>> {
        let found = self.entries.iter().find(|(known, ..)| *known == id);
        found.map(|(_, value, _)| Arc::clone(value))
    }

    pub(crate) fn insert(&mut self, id: DatumId, value: Arc<Value>, bytes: usize) {
        if self.get(id).is_some() {
            return;
        }
        self.entries.push_front((id, value, bytes));
        self.bytes += bytes;
        while self.entries.len() > 1
            && (self.entries.len() > MOST || self.bytes - bytes > MOST_BYTES)
        {
            let dropped = self.entries.pop_back();
            self.bytes -= dropped.map_or(0, |(.., bytes)| bytes);
        }
    }
}
