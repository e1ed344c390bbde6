//! Reading blobs: from the beginning, or from any place in them. One chunk is in memory, and the one after
//! it when they are read in order: another thread compares that with its id meanwhile.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::draft::Draft;
use super::put_blob::Progress;
use super::view::DagView;
use crate::error::{Error, FaultKind, Result, failed};
use crate::id::{BlobId, NodeId, TypedId};
use crate::record::{BlobList, CHUNK, Datum, Kind, Part};
use crate::repo::Repository;
use crate::store::{ReadObjects, Store};
use crate::value::{Blob, Value};

/// The bytes of a blob. Each chunk is compared with its id when it is read.
pub struct BlobReader {
    store: Store,
    blob: Blob,
    at: u64,
    /// The lists on the way to the chunk that was read last, each with where it begins.
    lists: Vec<(u64, BlobList)>,
    /// That chunk, and where it begins.
    chunk: Vec<u8>,
    chunk_at: u64,
    /// Where the chunk ends that was looked at last. Whoever goes on there reads in order.
    end: u64,
    /// A chunk that was compared with its id before it was wanted, and where it begins, if there is one.
    ahead: Vec<u8>,
    ahead_at: Option<u64>,
}

/// How many chunks the system begins to read beyond one, when they are read in order.
const AHEAD: usize = 4;

impl Repository {
    /// Returns a reader of a blob's bytes.
    pub fn open_blob(&self, blob: Blob) -> Result<BlobReader> {
        let mut reader = BlobReader {
            store: self.store().clone(),
            blob,
            at: 0,
            lists: Vec::new(),
            chunk: Vec::new(),
            chunk_at: 0,
            end: 0,
            ahead: Vec::new(),
            ahead_at: None,
        };
        // Tells at once when it is not there.
        reader.enter(blob.id, 0, blob.size)?;
        Ok(reader)
    }
}

impl DagView {
    /// Returns a reader of the node's value, which must be a blob.
    pub fn blob(&self, node: NodeId) -> Result<BlobReader> {
        open(self.repository(), &self.value(node)?)
    }
}

impl Draft {
    /// Returns a reader of the node's value, which must be a blob.
    pub fn blob(&self, node: NodeId) -> Result<BlobReader> {
        open(self.repository(), &self.value(node)?)
    }
}

fn open(repository: &Repository, value: &Value) -> Result<BlobReader> {
    match value {
        Value::Blob(blob) => repository.open_blob(**blob),
        other => Err(Error::Invalid {
            message: format!("the value is of type {}, and no blob", other.type_name()),
        }
        .into()),
    }
}

impl BlobReader {
    /// Returns the blob.
    pub fn blob(&self) -> Blob {
        self.blob
    }

    /// Writes what comes next, up to the end, to `out`.
    pub fn copy_to(
        &mut self,
        out: &mut dyn Write,
        wrong: &dyn Fn(io::Error) -> Box<Error>,
        progress: Progress<'_>,
    ) -> Result<()> {
        while self.at < self.blob.size {
            let seen = self.look(self.at, &mut |bytes| {
                out.write_all(bytes).map_err(wrong)?;
                Ok(bytes.len())
            })?;
            self.at += seen as u64;
            progress(self.at)?;
        }
        Ok(())
    }

    /// Writes all bytes to a file. What was there is replaced when all of them are written.
    pub fn save(&mut self, path: &Path, progress: Progress<'_>) -> Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", super::saved::new_id()?));
        let part = path.with_file_name(name);
        let written = self.save_in(&part, progress).and_then(|()| {
            #[expect(clippy::disallowed_methods, reason = "the user says where")]
            std::fs::rename(&part, path).map_err(failed("write", path))
        });
        if written.is_err() {
            #[expect(clippy::disallowed_methods, reason = "it was made here")]
            let _ = std::fs::remove_file(&part); // The error tells more.
        }
        written
    }

    fn save_in(&mut self, part: &Path, progress: Progress<'_>) -> Result<()> {
        #[expect(clippy::disallowed_methods, reason = "the user says where")]
        let mut file = File::create_new(part).map_err(failed("make", part))?;
        self.at = 0;
        self.copy_to(&mut file, &|error| failed("write", part)(error), progress)
    }

    /// Reads bytes from `at` on into `buffer`. Returns how many; fewer than there is room for at the
    /// end of the blob alone.
    pub fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = at.saturating_add(done as u64);
            if at >= self.blob.size {
                break;
            }
            done += self.look_kept(at, rest)?;
        }
        Ok(done)
    }

    /// Copies what the chunk at `at` has from there on, as far as there is room.
    fn look_kept(&mut self, at: u64, buffer: &mut [u8]) -> Result<usize> {
        let copy = |from: &[u8], to: &mut [u8]| {
            let length = from.len().min(to.len());
            if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
                to.copy_from_slice(from);
            }
            length
        };
        let kept = |this: &Self| {
            let from = usize::try_from(at.checked_sub(this.chunk_at)?).ok()?;
            (from < this.chunk.len()).then_some(from)
        };
        if kept(self).is_none() {
            let part = self.find(at)?;
            // What is read whole need not be kept.
            if part.at == at && buffer.len() as u64 >= part.size {
                return self.look(at, &mut |bytes| Ok(copy(bytes, buffer)));
            }
            let mut chunk = std::mem::take(&mut self.chunk);
            chunk.clear();
            self.look(part.at, &mut |bytes| {
                chunk.extend_from_slice(bytes);
                Ok(bytes.len())
            })?;
            self.chunk = chunk;
            self.chunk_at = part.at;
        }
        let from = kept(self).unwrap_or(self.chunk.len());
        Ok(copy(self.chunk.get(from..).unwrap_or_default(), buffer))
    }

    /// Calls `visit` with the bytes from `at` to the end of their chunk, where they are stored or were
    /// copied to.
    fn look(&mut self, at: u64, visit: &mut dyn FnMut(&[u8]) -> Result<usize>) -> Result<usize> {
        let part = self.find(at)?;
        let in_order = part.at > 0 && part.at == self.end;
        self.end = part.at + part.size;
        let from = usize::try_from(at - part.at).unwrap_or(usize::MAX);
        let visit = &mut |bytes: &[u8]| visit(bytes.get(from..).unwrap_or_default());
        if self.ahead_at.take() == Some(part.at) {
            return visit(&self.ahead);
        }
        // What is wrong with it is told when it is wanted.
        let next = match part.at + part.size {
            end if in_order && end < self.blob.size => self.find(end).ok(),
            _ => None,
        };
        let beyond = if in_order { AHEAD * CHUNK } else { CHUNK };
        let mut ahead = std::mem::take(&mut self.ahead);
        ahead.clear();
        let (this, to) = (&*self, &mut ahead);
        let (seen, is_ahead) = std::thread::scope(|scope| {
            let other = next.and_then(|next| {
                let read = move || {
                    let copied = this.read_ahead(next, beyond).and_then(|is_here| {
                        let mut copy = |bytes: &[u8]| {
                            to.extend_from_slice(bytes);
                            Ok(bytes.len())
                        };
                        // Only what is wanted is fetched from a remote.
                        is_here.then(|| this.read_part(next, &mut copy)).transpose()
                    });
                    matches!(copied, Ok(Some(_)))
                };
                let thread = std::thread::Builder::new().name("dml-blob".to_owned());
                thread.spawn_scoped(scope, read).ok() // It is read later where there are no threads.
            });
            let seen = this
                .read_ahead(part, beyond)
                .and_then(|_| this.read_part(part, visit));
            (
                seen,
                other.is_some_and(|other| other.join().unwrap_or(false)),
            )
        });
        self.ahead = ahead;
        self.ahead_at = next.map(|next| next.at).filter(|_| is_ahead);
        seen
    }

    /// Lets the system begin to read a chunk, if it is here, and what lies beyond it in the store's file:
    /// chunks that were put one after the other lie so. Returns whether it is here.
    fn read_ahead(&self, part: Part, beyond: usize) -> Result<bool> {
        let snapshot = self.store.snapshot()?;
        snapshot.read_ahead(part.reference.id, beyond)
    }

    /// Calls `visit` with the bytes of a chunk, which are compared with its id.
    fn read_part(
        &self,
        part: Part,
        visit: &mut dyn FnMut(&[u8]) -> Result<usize>,
    ) -> Result<usize> {
        let (id, kind) = (part.reference.id, Kind::Datum);
        let snapshot = self.store.snapshot()?;
        let record = snapshot.object(id, kind).map_err(self.wrong(part.at))?;
        let bytes = Datum::open(record)
            .and_then(|mut reader| {
                let bytes = reader.bytes()?;
                if bytes.len() as u64 == part.size {
                    return Ok(bytes);
                }
                let detail = format!("{} bytes where the blob has {}", bytes.len(), part.size);
                Err(reader.fault(FaultKind::Bounds, detail))
            })
            .map_err(|fault| {
                self.wrong(part.at)(Error::ObjectInvalid { kind, id, fault }.into())
            })?;
        let seen = visit(bytes);
        snapshot.let_go(record);
        seen
    }

    /// Returns the chunk that has the byte at `at`, which is before the end.
    fn find(&mut self, at: u64) -> Result<Part> {
        loop {
            let Some((begin, list)) = self.lists.last() else {
                self.enter(self.blob.id, 0, self.blob.size)?;
                continue;
            };
            let begin = *begin;
            let part = at.checked_sub(begin).and_then(|at| list.part(at));
            match part {
                Some(part) => {
                    let part = Part {
                        at: begin + part.at,
                        ..part
                    };
                    if part.reference.kind == Kind::Datum {
                        return Ok(part);
                    }
                    self.enter(BlobId::from_object(part.reference.id), part.at, part.size)?;
                }
                None if self.lists.len() == 1 => {
                    return Err(Error::Invalid {
                        message: format!("a blob of {} bytes has no byte {at}", self.blob.size),
                    }
                    .into());
                }
                None => drop(self.lists.pop()),
            }
        }
    }

    /// Reads the list `id`, which begins at `at` and must be of `size` bytes.
    fn enter(&mut self, id: BlobId, at: u64, size: u64) -> Result<()> {
        let snapshot = self.store.snapshot()?;
        let list: BlobList = snapshot.load(id).map_err(self.wrong(at))?;
        if list.size != size {
            return Err(self.wrong(at)(
                Error::Invalid {
                    message: format!("blob {id} has {} bytes, where {size} were told", list.size),
                }
                .into(),
            ));
        }
        self.lists.push((at, list));
        Ok(())
    }

    /// Says where in the blob something is wrong.
    fn wrong(&self, at: u64) -> impl FnOnce(Box<Error>) -> Box<Error> + use<> {
        let Blob { id, size } = self.blob;
        move |problem| {
            Error::Blob {
                id,
                at,
                size,
                problem,
            }
            .into()
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // As text: whoever wants to know more calls `read_at`.
        let wrong = |error: Box<Error>| io::Error::other(error.to_string());
        let done = self.read_at(self.at, buffer).map_err(wrong)?;
        self.at += done as u64;
        Ok(done)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.blob.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "a place before the blob's begin",
            )
        })?;
        Ok(self.at)
    }
}
