//! Objects in the order of their ids.

use crate::id::{ID_LEN, ObjectId};
use crate::store::lmdb::pages::{Checked, View};

use super::directory::Objects;
use super::merge::Merge;
use super::run::Entry;

/// The objects whose ids start with some bytes, in order. What is so damaged that its id cannot
/// be told is passed over. It ends at the first other damage.
pub(crate) struct Scan<'v> {
    objects: &'v Objects,
    view: &'v View,
    merge: Option<Merge<'v>>,
    prefix: Vec<u8>,
    /// The entry after those that were read.
    ahead: Option<Entry>,
    /// Objects whose ids begin with the same bytes, the next one last.
    same: Vec<(ObjectId, &'v [u8])>,
}

impl<'v> Scan<'v> {
    pub fn new(objects: &'v Objects, view: &'v View, prefix: &[u8]) -> Checked<Self> {
        let mut first = [0; ID_LEN];
        first
            .iter_mut()
            .zip(prefix)
            .for_each(|(to, from)| *to = *from);
        let first = super::Place::prefix(&ObjectId::from_bytes(first));
        Ok(Self {
            objects,
            view,
            merge: Some(objects.merge(view, first, false)?),
            prefix: prefix.to_vec(),
            ahead: None,
            same: Vec::new(),
        })
    }

    /// Returns whether an entry is beyond those that are wanted.
    fn is_beyond(&self, entry: Entry) -> bool {
        let [_, _, first @ ..] = entry.prefix.to_be_bytes();
        let length = self.prefix.len().min(first.len());
        first.get(..length) > self.prefix.get(..length)
    }

    fn step(&mut self) -> Checked<Option<(ObjectId, &'v [u8])>> {
        loop {
            if let Some((id, bytes)) = self.same.pop() {
                if id.as_bytes().starts_with(&self.prefix) {
                    return Ok(Some((id, bytes)));
                }
                continue;
            }
            let Some(merge) = &mut self.merge else {
                return Ok(None);
            };
            let first = match self.ahead.take() {
                Some(entry) => Some(entry),
                None => merge.object()?,
            };
            let Some(first) = first else {
                return Ok(None);
            };
            let mut entries = vec![first];
            self.ahead = loop {
                match merge.object()? {
                    Some(next) if next.prefix == first.prefix => entries.push(next),
                    next => break next,
                }
            };
            if self.is_beyond(first) {
                self.merge = None;
                return Ok(None);
            }
            for entry in entries {
                let frame = self.objects.frame(self.view, entry.place())?;
                let found = frame.and_then(|frame| Some((frame.id(entry.prefix)?, frame.bytes)));
                self.same.extend(found);
            }
            self.same
                .sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        }
    }
}

impl<'v> Iterator for Scan<'v> {
    type Item = Checked<(ObjectId, &'v [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.step();
        if found.is_err() {
            self.merge = None;
            self.same.clear();
        }
        found.transpose()
    }
}
