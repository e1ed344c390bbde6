//! Putting blobs: bytes of any length, of which a bounded number is in memory.
//!
//! A thread reads and hashes chunks while those before them are written.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use super::draft::Draft;
use super::kept::Kept;
use crate::channel::{Sender, handover};
use crate::error::{Error, Result, failed};
use crate::id::{DatumId, NodeId, ObjectId, TypedId};
use crate::record::{BlobLists, CHUNK, chunk};
use crate::value::Blob;

/// How many chunks are read while those before them are written.
const BATCH: usize = 4;

/// How many chunks one transaction puts: the disk is waited for at the end of each.
const TOGETHER: usize = 2 * BATCH;

/// What comes before the bytes of a chunk that is not the last: the record of a datum, and in it a
/// byte string.
const HEAD: [u8; 8] = [0x83, 0x01, 0x01, 0x5a, 0x00, 0x40, 0x00, 0x00];

/// Told how many bytes have been done; an error ends the work.
pub type Progress<'p> = &'p mut dyn FnMut(u64) -> Result<()>;

/// Chunks that follow one another: their records, and how many bytes of the blob each has.
type Chunks = Vec<(ObjectId, Vec<u8>, u64)>;

impl Draft {
    /// Puts all bytes that `source` has, up to its end, as a node whose value is a
    /// [`Blob`]. There may be any number of them: they are written as they come.
    ///
    /// When it fails, what was written is garbage, which garbage collection removes.
    pub fn put_blob(
        &mut self,
        source: &mut (dyn Read + Send),
        progress: Progress<'_>,
    ) -> Result<NodeId> {
        self.check_writable()?;
        let blob = self.write_blob(source, &failed_source, progress)?;
        self.put(blob.into())
    }

    /// Puts the bytes of a file as [`Draft::put_blob`] does.
    pub fn put_file(&mut self, path: &Path, progress: Progress<'_>) -> Result<NodeId> {
        #[expect(clippy::disallowed_methods, reason = "the user says which")]
        let mut file = File::open(path).map_err(failed("open", path))?;
        let look = |file: &File| file.metadata().map_err(failed("read", path));
        let before = look(&file)?;
        if before.is_dir() {
            return Err(Error::Invalid {
                message: format!("{} is a folder; put its files one by one", path.display()),
            }
            .into());
        }
        self.check_writable()?;
        let wrong = |source| failed("read", path)(source);
        let blob = self.write_blob(&mut file, &wrong, progress)?;
        if before.is_file() {
            check_unchanged(path, &before, &look(&file)?, blob.size)?;
        }
        self.put(blob.into())
    }

    /// Takes over what keeps the parts of blobs that were written before it was begun.
    pub(crate) fn keep(&mut self, kept: Option<Kept>) {
        self.kept = kept;
    }

    /// Writes the parts of a blob, which are kept as long as this draft is there.
    fn write_blob(
        &mut self,
        source: &mut (dyn Read + Send),
        wrong: &(dyn Fn(io::Error) -> Box<Error> + Sync),
        progress: Progress<'_>,
    ) -> Result<Blob> {
        let store = self.repository.store();
        let kept = match &mut self.kept {
            Some(kept) => kept,
            none => none.insert(Kept::begin(store)?),
        };
        std::thread::scope(|scope| {
            let (queue, queued) = handover::<Result<Chunks>>();
            // When this side ends first, the other cannot hand over more, and ends too.
            scope.spawn(move || read_all(source, wrong, &queue));
            let mut lists = BlobLists::default();
            let mut written = Vec::new();
            let mut done = 0;
            let mut objects = Vec::new();
            while let Ok(chunks) = queued.recv() {
                let chunks = chunks?;
                let is_last = chunks.len() < BATCH;
                for (id, bytes, size) in chunks {
                    objects.push((id, bytes));
                    done += size;
                    lists.push(DatumId::from_object(id), size, &mut |id, bytes| {
                        objects.push((id, bytes));
                    })?;
                }
                // The last ones go with the records that lead to them: one transaction for a small file.
                if !is_last && objects.len() >= TOGETHER {
                    written.push(kept.write(store, &objects, &[])?);
                    objects.clear();
                }
                progress(done)?;
            }
            let blob = lists.finish(&mut |id, bytes| objects.push((id, bytes)))?;
            // The record that was made last leads to all others.
            kept.write(store, &objects, &written)?;
            Ok(blob)
        })
    }
}

fn failed_source(source: io::Error) -> Box<Error> {
    failed("read", Path::new("the content of the blob"))(source)
}

/// Refuses a file that was written to while it was read: what was read of it may never have been
/// in it at one moment.
fn check_unchanged(path: &Path, before: &Metadata, after: &Metadata, read: u64) -> Result<()> {
    let same = before.len() == read
        && after.len() == read
        && before.modified().ok() == after.modified().ok();
    if same {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!(
            "{} changed while it was read: it had {} bytes, {read} were read, and it has {} now; \
             put it again when nobody writes to it",
            path.display(),
            before.len(),
            after.len()
        ),
    }
    .into())
}

/// Reads chunks and hands them over until there are no more, or nobody takes them.
fn read_all(
    source: &mut (dyn Read + Send),
    wrong: &(dyn Fn(io::Error) -> Box<Error> + Sync),
    queue: &Sender<Result<Chunks>>,
) {
    loop {
        let read = read_some(source, wrong);
        let ended = !matches!(&read, Ok(chunks) if chunks.len() == BATCH);
        let empty = matches!(&read, Ok(chunks) if chunks.is_empty());
        if empty || queue.send(read).is_err() || ended {
            return;
        }
    }
}

/// Reads a batch of chunks; fewer at the end.
fn read_some(
    source: &mut (dyn Read + Send),
    wrong: &(dyn Fn(io::Error) -> Box<Error> + Sync),
) -> Result<Chunks> {
    let mut chunks = Chunks::new();
    while chunks.len() < BATCH {
        let mut record = vec![0; HEAD.len() + CHUNK];
        let (head, room) = record.split_at_mut(HEAD.len());
        head.copy_from_slice(&HEAD);
        let mut length = 0;
        while let Some(rest) = room.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match source.read(rest) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(wrong(error)),
            }
        }
        if length == 0 {
            break;
        }
        if length < CHUNK {
            record = chunk(room.get(..length).unwrap_or_default().to_vec())?;
        }
        chunks.push((ObjectId::of(&record), record, length as u64));
        if length < CHUNK {
            break;
        }
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_a_full_chunk_is_that_of_its_record() {
        let bytes = chunk(vec![1; CHUNK]).unwrap();
        assert!(bytes.starts_with(&HEAD));
        assert_eq!(bytes.len(), HEAD.len() + CHUNK);
    }
}
