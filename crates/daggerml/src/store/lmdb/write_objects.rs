//! Writing objects: into new chunks, with one new run for each transaction.

use heed::PutFlags;

use super::objects::{Adding, Directory, Entry, Frame, KEY, Match, Place, Sparse};
use super::seal;
use super::write::Writing;
use crate::error::Result;
use crate::id::ObjectId;
use crate::store::Table;

impl Writing<'_> {
    /// Returns what this transaction adds.
    fn adding(&mut self) -> Result<&mut Adding> {
        if self.adding.is_none() {
            let objects = self.base.objects();
            let objects = objects.map_err(|damage| self.lmdb.damaged(damage))?;
            self.adding = Some(Adding::new(objects.directory.clone()));
        }
        self.changed = true;
        Ok(self.adding.get_or_insert_default())
    }

    /// Returns the bytes of a chunk, as the transaction has it.
    fn chunk(&self, number: u32) -> Result<&[u8]> {
        if let Some(adding) = &self.adding
            && adding.directory.chunk == number
        {
            return Ok(&adding.chunk);
        }
        let key = number.to_be_bytes();
        self.check(Table::Objects, &key, false)?;
        let found = self.tables.get(Table::Objects).get(&self.txn, &key);
        let found = found.map_err(|source| self.lmdb.failed("read", source))?;
        found.ok_or_else(|| {
            self.lmdb
                .damaged_file(format!("chunk {number} of objects is missing"))
        })
    }

    fn frame(&self, place: Place) -> Result<Option<Frame<'_>>> {
        Ok(Frame::read(self.chunk(place.chunk())?, place.offset()))
    }

    /// Calls `visit` with the places of objects whose ids begin with `prefix`, the newest first,
    /// until it returns true.
    fn places(&self, prefix: u64, visit: &mut dyn FnMut(Place) -> Result<bool>) -> Result<()> {
        let mut removed = Vec::new();
        for entry in self.adding.iter().flat_map(|adding| adding.entries(prefix)) {
            let place = entry.place();
            if entry.removed() {
                removed.push(place);
            } else if !removed.contains(&place) && visit(place)? {
                return Ok(());
            }
        }
        let damaged = |damage| self.lmdb.damaged(damage);
        let objects = self.base.objects().map_err(damaged)?;
        let mut found = Vec::new();
        // Few ids begin with the same bytes.
        let all = objects.places(&self.base.view, prefix, &mut removed, &mut |place| {
            found.push(place);
            Ok(false)
        });
        all.map_err(damaged)?;
        for place in found {
            if visit(place)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns where the object `id` is, or what is in its place.
    fn find(&self, id: &ObjectId) -> Result<Option<Place>> {
        let (mut found, mut damaged) = (None, None);
        self.places(Place::prefix(id), &mut |place| {
            match Frame::compare(self.frame(place)?.as_ref(), id) {
                Match::Same => found = Some(place),
                Match::Damaged => damaged = damaged.or(Some(place)),
                Match::Other => {}
            }
            Ok(found.is_some())
        })?;
        Ok(found.or(damaged))
    }

    /// Returns the bytes at `place`; none where they are damaged.
    fn bytes_at(&self, place: Place) -> Result<&[u8]> {
        Ok(self.frame(place)?.map_or(&[], |frame| frame.bytes))
    }

    /// Returns the bytes under `id`.
    pub(super) fn object(&self, id: &ObjectId) -> Result<Option<&[u8]>> {
        let place = self.find(id)?;
        place.map(|place| self.bytes_at(place)).transpose()
    }

    /// Adds the object `id` unless there is one, which is then returned.
    pub(super) fn object_or_add(&mut self, id: &ObjectId, bytes: &[u8]) -> Result<Option<&[u8]>> {
        if let Some(place) = self.find(id)? {
            return self.bytes_at(place).map(Some);
        }
        let named = super::objects::is_named(bytes);
        self.add(id, bytes, named)?;
        Ok(None)
    }

    /// Adds an object that is not there. If `named`, its id is stored.
    pub(super) fn add(&mut self, id: &ObjectId, bytes: &[u8], named: bool) -> Result<()> {
        if bytes.len() > super::objects::ALONE {
            return self.add_alone(id, bytes, named);
        }
        if !self.adding()?.has_room(bytes.len()) {
            self.end_chunk()?;
        }
        self.adding()?.append(id, bytes, named);
        Ok(())
    }

    /// Adds a large object, in a chunk of its own. It is written to where LMDB keeps it, with no
    /// other copy of it in memory.
    fn add_alone(&mut self, id: &ObjectId, bytes: &[u8], named: bool) -> Result<()> {
        self.end_chunk()?;
        let head = super::objects::head(id, bytes.len(), named);
        let adding = self.adding()?;
        let key = adding.directory.chunk.to_be_bytes();
        adding.note_added(Place::prefix(id), 0);
        self.check(Table::Objects, &key, false)?;
        let table = self.tables.get(Table::Objects);
        let length = head.len() + bytes.len();
        let written = table.put_reserved(&mut self.txn, &key, length, |space| {
            use std::io::Write;
            space.write_all(&head)?;
            space.write_all(bytes)
        });
        written.map_err(|source| self.lmdb.failed("write", source))?;
        self.next_chunk()
    }

    /// Writes the chunk that is being filled.
    fn end_chunk(&mut self) -> Result<()> {
        let adding = self.adding()?;
        if adding.chunk.is_empty() {
            return Ok(());
        }
        let key = adding.directory.chunk.to_be_bytes();
        let mut chunk = std::mem::take(&mut adding.chunk);
        self.append(Table::Objects, &key, &chunk)?;
        chunk.clear();
        self.adding()?.chunk = chunk;
        self.next_chunk()
    }

    fn next_chunk(&mut self) -> Result<()> {
        let full =
            "it has no numbers left for chunks of objects; make a new repository by `dml clone`";
        let next = self.adding()?.directory.chunk.checked_add(1);
        let next = next.ok_or_else(|| self.lmdb.damaged_file(full.to_owned()))?;
        self.adding()?.directory.chunk = next;
        Ok(())
    }

    /// Puts an entry after all others of `table`: pages are filled.
    fn append(&mut self, table: Table, key: &[u8], bytes: &[u8]) -> Result<()> {
        self.check(table, key, false)?;
        self.tables
            .get(table)
            .put_with_flags(&mut self.txn, PutFlags::APPEND, key, bytes)
            .map_err(|source| self.lmdb.failed("write", source))
    }

    /// Puts `bytes` in the place of the object `id`, if there is one, whose bytes are overwritten.
    pub(super) fn replace(&mut self, id: &ObjectId, bytes: &[u8]) -> Result<()> {
        if let Some(place) = self.find(id)? {
            self.adding()?.note_removed(Place::prefix(id), place);
            self.blank(Place::prefix(id), place)?;
        }
        self.add(id, bytes, true)
    }

    /// Overwrites the object at `place`, which was removed. One that is damaged is left to `gc`: its
    /// length may be that of others, too.
    fn blank(&mut self, prefix: u64, place: Place) -> Result<()> {
        let frame = self.frame(place)?;
        let Some(frame) = frame.filter(|frame| frame.is_whole(prefix)) else {
            return Ok(());
        };
        let (length, object) = (frame.whole.len(), frame.bytes.len());
        let end = place.offset() + length;
        let blanked = |chunk: &mut [u8]| {
            if let Some(bytes) = chunk.get_mut(end - object..end) {
                bytes.fill(0);
            }
        };
        let adding = self.adding()?;
        if adding.directory.chunk == place.chunk() {
            blanked(&mut adding.chunk);
            return Ok(());
        }
        let mut chunk = self.chunk(place.chunk())?.to_vec();
        let key = place.chunk().to_be_bytes();
        if chunk.len() == length {
            return self.remove_checked(Table::Objects, &key).map(drop);
        }
        blanked(&mut chunk);
        self.tables
            .get(Table::Objects)
            .put(&mut self.txn, &key, &chunk)
            .map_err(|source| self.lmdb.failed("write", source))
    }

    /// Removes the object `id`. Returns whether there was one.
    pub(super) fn remove_object(&mut self, id: &ObjectId) -> Result<bool> {
        let Some(place) = self.find(id)? else {
            return Ok(false);
        };
        self.adding()?.note_removed(Place::prefix(id), place);
        Ok(true)
    }

    /// Returns whether what `entry` leads to is there, and was not removed.
    fn is_there(&self, entry: &Entry) -> Result<bool> {
        let mut is_there = false;
        self.places(entry.prefix, &mut |place| {
            is_there |= place == entry.place();
            Ok(is_there)
        })?;
        Ok(is_there)
    }

    /// Returns the id and the bytes of the object that `entry` leads to, if it is there and not damaged.
    pub(super) fn object_at(&self, entry: &Entry) -> Result<Option<(ObjectId, &[u8])>> {
        if !self.is_there(entry)? {
            return Ok(None);
        }
        let frame = self.frame(entry.place())?;
        Ok(frame.and_then(|frame| Some((frame.id(entry.prefix)?, frame.bytes))))
    }

    /// Removes the object that `entry` leads to, if it is there. Nothing is hashed: a place is not used again.
    pub(super) fn remove_at(&mut self, entry: &Entry) -> Result<()> {
        if self.is_there(entry)? {
            self.adding()?.note_removed(entry.prefix, entry.place());
        }
        Ok(())
    }

    /// Removes an entry by a way that is checked before.
    fn remove_checked(&mut self, table: Table, key: &[u8]) -> Result<bool> {
        self.check(table, key, true)?;
        self.remove(table, key)
    }

    /// Moves what is in chunks that hold much garbage into new ones, and removes them. Chunks with
    /// something damaged stay as they are.
    pub(super) fn move_sparse(&mut self, sparse: &[Sparse]) -> Result<()> {
        for Sparse { chunk, objects } in sparse {
            let mut whole = true;
            let mut there = Vec::new();
            for entry in objects {
                if self.is_there(entry)? {
                    let frame = self.frame(entry.place())?;
                    whole &= frame.is_some_and(|frame| frame.is_whole(entry.prefix));
                    there.push(*entry);
                }
            }
            if whole {
                self.move_chunk(*chunk, &there)?;
            }
        }
        Ok(())
    }

    fn move_chunk(&mut self, number: u32, objects: &[Entry]) -> Result<()> {
        if !objects.is_empty() {
            let chunk = self.chunk(number)?.to_vec();
            for entry in objects {
                let Some(frame) = Frame::read(&chunk, entry.place().offset()) else {
                    continue; // It was read before.
                };
                if !self.adding()?.has_room(frame.whole.len()) {
                    self.end_chunk()?;
                }
                let adding = self.adding()?;
                adding.append_frame(entry.prefix, frame);
                adding.note_removed(entry.prefix, entry.place());
            }
        }
        self.changed = true;
        self.remove_checked(Table::Objects, &number.to_be_bytes())
            .map(drop)
    }

    /// Makes run `first` and those after it into one, when the transaction ends; into two if it has more
    /// than `most` parts.
    pub(super) fn merge_runs(&mut self, first: u32, most: usize) -> Result<()> {
        self.adding()?.merges_from = Some((first, most));
        Ok(())
    }

    /// Writes what is left to write of the objects.
    pub(super) fn finish_objects(&mut self) -> Result<()> {
        if self.adding.as_ref().is_none_or(Adding::is_empty) {
            return Ok(());
        }
        self.end_chunk()?;
        let Some(mut adding) = self.adding.take() else {
            return Ok(());
        };
        let base = std::sync::Arc::clone(&self.base);
        let lmdb = self.lmdb;
        let objects = base.objects().map_err(|damage| lmdb.damaged(damage))?;
        let removed = adding.finish(
            objects,
            &base.view,
            |damage| lmdb.damaged(damage),
            &mut |(key, part)| {
                let sealed = seal::seal(Table::Runs, &key, &part);
                self.append(Table::Runs, &key, &sealed)
            },
        )?;
        self.freed = removed.iter().map(|run| u64::from(run.entries)).sum();
        for run in removed {
            for key in run.keys() {
                self.remove_checked(Table::Runs, &key)?;
            }
        }
        self.put_directory(&adding.directory)
    }

    fn put_directory(&mut self, directory: &Directory) -> Result<()> {
        use crate::store::backend::WriteTables;
        self.put(Table::Meta, KEY, &directory.encode())
    }
}
