//! Reading all objects, in the order in which they are stored.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::id::ObjectId;
use crate::id_set::IdState;
use crate::record::{Kind, has_blobs};
use crate::sorting::sort_by;
use crate::store::lmdb::Version;
use crate::store::lmdb::objects::{Objects, Place};
use crate::store::pages::Damage;

use super::super::{STRIDE, Step};
use super::{Chunk, DAMAGED, Damaged, HAS_BLOBS, Ids, REST, kind_of_place, prefix_of, start};

impl Ids {
    /// Reads the ids of all objects. Damage to what leads to them is noted in `damage`.
    pub fn read(
        version: &Version,
        damage: &mut Vec<Damage>,
        progress: &mut dyn FnMut(Step),
    ) -> Self {
        let mut ids = Self::default();
        match version.objects() {
            Ok(objects) => {
                let read = ids.read_entries(version, objects, damage);
                damage.extend(read.err());
                ids.find_chunks(version, objects, damage);
                ids.read_objects(version, progress);
                ids.put_in_order();
            }
            Err(error) => damage.push(error),
        }
        ids
    }

    /// Reads where the objects are. Of their ids, only the first bytes are known then.
    fn read_entries(
        &mut self,
        version: &Version,
        objects: &Objects,
        damage: &mut Vec<Damage>,
    ) -> Result<(), Damage> {
        objects.check_runs(&version.view, damage);
        let mut known: HashMap<u64, u32, IdState> = HashMap::default();
        let mut merge = objects.merge(&version.view, 0, false)?;
        while let Some(entry) = merge.either()? {
            if entry.removed() {
                damage.push(entry.removed_nothing());
                continue;
            }
            if u32::try_from(self.len() + 1).is_err() {
                return Err(Damage::new(0, "it has more objects than can be looked at"));
            }
            let (number, offset) = (entry.place().chunk(), entry.place().offset());
            let next = u32::try_from(self.chunks.len()).unwrap_or(u32::MAX);
            let index = *known.entry(number.into()).or_insert(next);
            if index == next {
                self.chunks.push(Chunk {
                    number,
                    ..Chunk::default()
                });
            }
            if let Some(chunk) = self.chunks.get_mut(index as usize) {
                chunk.count += 1;
            }
            self.starts.push(u128::from(entry.prefix) << REST);
            self.places.push(Place::new(index, offset));
        }
        Ok(())
    }

    /// Finds the chunks, and puts them in the order of their numbers.
    fn find_chunks(&mut self, version: &Version, objects: &Objects, damage: &mut Vec<Damage>) {
        let mut sorted: Vec<usize> = (0..self.chunks.len()).collect();
        let number = |index: &usize| self.chunks.get(*index).map_or(0, |chunk| chunk.number);
        sort_by(&mut sorted, |a, b| number(a).cmp(&number(b)));
        let mut chunks = Vec::with_capacity(sorted.len());
        // For each chunk as it was: what it is now, and where its next object goes.
        let mut moved = vec![(0, 0); sorted.len()];
        let mut before = 0;
        for (index, old) in sorted.into_iter().enumerate() {
            let mut chunk = self.chunks.get(old).copied().unwrap_or_default();
            if let Some(moved) = moved.get_mut(old) {
                *moved = (u32::try_from(index).unwrap_or(u32::MAX), before);
            }
            before += chunk.count;
            // A chunk that cannot be read hides what is in it, and nothing else.
            match objects.chunk(&version.view, chunk.number) {
                Ok(bytes) => {
                    chunk.start = version.view.offset(bytes).unwrap_or(0);
                    chunk.length = bytes.len();
                }
                Err(error) => damage.push(error),
            }
            chunks.push(chunk);
        }
        self.chunks = chunks;
        self.stored = vec![0; self.len()];
        for (position, place) in (0..).zip(&mut self.places) {
            if let Some((index, next)) = moved.get_mut(place.chunk() as usize) {
                if let Some(stored) = self.stored.get_mut(*next) {
                    *stored = position;
                }
                *next += 1;
                *place = Place::new(*index, place.offset());
            }
        }
    }

    /// Reads the objects, and hashes those whose ids are not stored.
    fn read_objects(&mut self, version: &Version, progress: &mut dyn FnMut(Step)) {
        self.kinds = vec![DAMAGED; self.len()];
        let total = Some(self.len() as u64);
        let stored = std::mem::take(&mut self.stored);
        for (done, &position) in (1..).zip(&stored) {
            let position = position as usize;
            let start = self.start(position).unwrap_or_default();
            let frame = self.frame(version, position).ok().flatten();
            if let Some(frame) = frame
                && let Some(id) = frame.id(prefix_of(start))
            {
                self.set(position, id, frame.bytes);
            }
            if done % STRIDE == 0 {
                progress(Step {
                    phase: "reading ids",
                    done,
                    total,
                });
            }
        }
        self.stored = stored;
    }

    /// Sets what is known of the object at `position`.
    fn set(&mut self, position: usize, id: ObjectId, bytes: &[u8]) {
        let code = kind_of_place(bytes).map_or(0, Kind::code);
        let mut code = u8::try_from(code).unwrap_or(0);
        if let Some(total) = self.totals.get_mut(usize::from(code)) {
            total.add(bytes.len());
        }
        if has_blobs(bytes) {
            code |= HAS_BLOBS;
        }
        if let Some(kind) = self.kinds.get_mut(position) {
            *kind = code;
        }
        if let Some(kept) = self.starts.get_mut(position) {
            *kept = start(id.as_bytes());
        }
    }

    /// Puts those in order that share the bytes that runs are in order of, which few do. Then the places
    /// of the damaged ones are known.
    fn put_in_order(&mut self) {
        for from in 1..self.len() {
            let mut at = from;
            while at > 0 && self.starts.get(at - 1) > self.starts.get(at) {
                self.starts.swap(at - 1, at);
                self.places.swap(at - 1, at);
                self.kinds.swap(at - 1, at);
                at -= 1;
            }
        }
        for position in 0..self.len() {
            if self.is_damaged(position) {
                self.damaged.push(Damaged {
                    position,
                    prefix: self.start(position).map_or(0, prefix_of),
                    name: OnceLock::new(),
                });
            }
        }
    }
}
