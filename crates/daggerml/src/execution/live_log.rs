//! The log of a run while it runs: a file that its executor writes and others read.
//!
//! The exec record has the log when the run has ended. Until then the file is all that there
//! is of it. It has room for as much as is recorded: the beginning, and a ring for the end.
//! Readers take no lock. The writer says in the header what it is about to write over and
//! what it has written, so a reader that reads the header before and after knows which bytes
//! it can use.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::claim::owner::is_dead;
use super::claim::{self, OwnerId};
use crate::error::{Error, Result};
use crate::folder::{Access, Folder};
use crate::process::{HEAD, TAIL, left_out};
use crate::record::{CallKey, Time};
use crate::store::Store;

/// The folder of these files, in the store's folder.
const FOLDER: &str = "logs";

/// What a file begins with.
const MAGIC: [u8; 8] = *b"DMLLOG1\n";

/// The length of the header: the magic, when the run began, and two offsets.
const HEADER: u64 = HEADER_LENGTH as u64;
const HEADER_LENGTH: usize = 32;

const HEAD_BYTES: u64 = HEAD as u64;
const TAIL_BYTES: u64 = TAIL as u64;

/// Returns the name of the file of a run.
fn name(owner: &OwnerId, attempt: u64, key: CallKey) -> String {
    format!("{}.{attempt}.{key}", owner.as_str())
}

/// Returns the owner and the call that a name of a file tells.
fn parse(name: &str) -> Option<(OwnerId, CallKey)> {
    let (owner, rest) = name.split_once('.')?;
    let (attempt, key) = rest.split_once('.')?;
    attempt.parse::<u64>().ok()?;
    Some((OwnerId::parse(owner)?, key.parse().ok()?))
}

/// The file of a run, for its executor. It is made with the first bytes: most runs say
/// nothing. When it cannot be written, the run goes on without it.
#[derive(Clone)]
pub(crate) struct LiveLog(Arc<Mutex<State>>);

struct State {
    store: Store,
    name: String,
    started: Time,
    file: Writing,
}

enum Writing {
    /// Nothing was written.
    Nothing,
    /// So many bytes of the log were written to it.
    Open(Folder, File, u64),
    /// It failed, or the run has ended.
    Over,
}

impl LiveLog {
    pub fn new(store: &Store, owner: &OwnerId, attempt: u64, key: CallKey, started: Time) -> Self {
        Self(Arc::new(Mutex::new(State {
            store: store.clone(),
            name: name(owner, attempt, key),
            started,
            file: Writing::Nothing,
        })))
    }

    /// Appends what the run wrote.
    pub fn push(&self, bytes: &[u8]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !bytes.is_empty() && state.push(bytes).is_err() {
            state.remove();
        }
    }

    /// Removes the file: the log was recorded, or is of no use to anybody.
    pub fn end(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.remove();
    }
}

impl State {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if matches!(self.file, Writing::Nothing) {
            let folder = self.store.folder().folder_or_new(FOLDER)?;
            // One that is there is of a run of ours that could not remove it.
            let _ = folder.remove(&self.name);
            let file = folder.create(&self.name)?;
            self.file = Writing::Open(folder, file, 0);
            self.append(&[])?;
        }
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let Writing::Open(folder, file, written) = &mut self.file else {
            return Ok(());
        };
        let end = *written + bytes.len() as u64;
        let write = || {
            // Only what lies beyond the room is written over something.
            if end > HEAD_BYTES + TAIL_BYTES {
                write_at(file, 0, &header(self.started, end, *written))?;
            }
            for (at, part) in places(*written, bytes) {
                write_at(file, at, part)?;
            }
            write_at(file, 0, &header(self.started, end, end))
        };
        write().map_err(|source| Error::Io {
            action: "write",
            path: folder.path().join(&self.name),
            source,
        })?;
        *written = end;
        Ok(())
    }

    fn remove(&mut self) {
        if let Writing::Open(folder, file, _) = std::mem::replace(&mut self.file, Writing::Over) {
            drop(file);
            let _ = folder.remove(&self.name); // `sweep` would do it too.
        }
    }
}

/// Returns a header: when the run began, up to where bytes may be written over by now, and up
/// to where they were written.
fn header(started: Time, reserved: u64, written: u64) -> [u8; HEADER_LENGTH] {
    let mut bytes = [0; HEADER_LENGTH];
    let words = [
        MAGIC,
        started.0.to_le_bytes(),
        reserved.to_le_bytes(),
        written.to_le_bytes(),
    ];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word);
    }
    bytes
}

/// Returns where in the file the byte number `offset` of the log is, and how many from there
/// on are beside it.
fn place(offset: u64) -> (u64, u64) {
    match offset.checked_sub(HEAD_BYTES) {
        None => (HEADER + offset, HEAD_BYTES - offset),
        Some(past) => {
            let at = past % TAIL_BYTES;
            (HEADER + HEAD_BYTES + at, TAIL_BYTES - at)
        }
    }
}

/// Returns the parts of `bytes`, which are at `offset` of the log, with their places. Of many
/// bytes only the last fit.
fn places(mut offset: u64, mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (at, room) = place(offset);
        let (part, rest) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(TAIL)));
        found.push((at, part));
        offset += part.len() as u64;
        bytes = rest;
    }
    found
}

fn write_at(mut file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

/// What a header says.
struct Header {
    started: Time,
    reserved: u64,
    written: u64,
}

fn read_header(mut file: &File) -> io::Result<Option<Header>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(HEADER).read_to_end(&mut bytes)?;
    let words: Vec<[u8; 8]> = bytes
        .chunks_exact(8)
        .filter_map(|word| word.try_into().ok())
        .collect();
    Ok(match words.as_slice() {
        [MAGIC, started, reserved, written] => Some(Header {
            started: Time(i64::from_le_bytes(*started)),
            reserved: u64::from_le_bytes(*reserved),
            written: u64::from_le_bytes(*written),
        }),
        _ => None, // It is being made, or is something else.
    })
}

/// Returns the bytes of the log from `from` up to `until`, as many as the file has.
fn read_range(mut file: &File, mut from: u64, until: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while from < until {
        let (at, beside) = place(from);
        file.seek(SeekFrom::Start(at))?;
        let read = file
            .take(beside.min(until - from))
            .read_to_end(&mut bytes)?;
        if read == 0 {
            break;
        }
        from += read as u64;
    }
    Ok(bytes)
}

/// What was read of the log of a run that runs.
pub(crate) struct LivePart {
    pub started: Time,
    pub bytes: Vec<u8>,
    pub end: u64,
}

/// Returns what is new in the log of the run that `owner` does of the call `key`. `after` is
/// when the run began whose log was read, and up to where. `None` when there is no log yet, or
/// no longer.
pub(crate) fn read(
    store: &Folder,
    (owner, attempt, key): (&OwnerId, u64, CallKey),
    after: Option<(Time, u64)>,
) -> Result<Option<LivePart>> {
    let Some(folder) = store.folder(FOLDER)? else {
        return Ok(None);
    };
    let name = name(owner, attempt, key);
    let Some(file) = folder.file(&name, Access::Read)? else {
        return Ok(None);
    };
    let part = read_file(&file, after).map_err(|source| Error::Io {
        action: "read",
        path: folder.path().join(&name),
        source,
    })?;
    Ok(part)
}

fn read_file(file: &File, after: Option<(Time, u64)>) -> io::Result<Option<LivePart>> {
    let Some(before) = read_header(file)? else {
        return Ok(None);
    };
    let end = before.written;
    let from = match after {
        Some((started, offset)) if started == before.started => offset.min(end),
        _ => 0,
    };
    let mut bytes = read_range(file, from, end.min(HEAD_BYTES))?;
    let tail_from = from.max(HEAD_BYTES).max(end.saturating_sub(TAIL_BYTES));
    let tail = read_range(file, tail_from, end)?;
    let Some(now) = read_header(file)? else {
        return Ok(None);
    };
    // What may have been written over meanwhile is not used.
    let sound = now
        .reserved
        .saturating_sub(TAIL_BYTES)
        .clamp(tail_from, end.max(tail_from));
    let missing = sound - from.max(HEAD_BYTES).min(sound);
    if missing > 0 {
        bytes.extend_from_slice(left_out(missing).as_bytes());
    }
    let skip = usize::try_from(sound - tail_from).unwrap_or(usize::MAX);
    bytes.extend_from_slice(tail.get(skip..).unwrap_or_default());
    Ok(Some(LivePart {
        started: before.started,
        bytes,
        end,
    }))
}

/// Removes the files that dead owners left, except of runs that nobody took over: their log is
/// all that there is of them.
pub(crate) fn sweep(store: &Store) -> Result<()> {
    let Some(folder) = store.folder().folder(FOLDER)? else {
        return Ok(());
    };
    for name in folder.names()? {
        let Some((owner, key)) = parse(&name) else {
            continue;
        };
        let claim = claim::find(&store.snapshot()?, key)?;
        if claim.is_none_or(|claim| claim.owner != owner) && is_dead(store.folder(), &owner)? {
            let _ = folder.remove(&name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (tempfile::TempDir, File, State) {
        let made = tempfile::tempdir().unwrap();
        let store = crate::store::OpenOptions::default()
            .create(made.path())
            .unwrap();
        let owner = OwnerId::parse(&"a".repeat(32)).unwrap();
        let mut state = State {
            name: name(&owner, 1, CallKey::from_bytes([7; 32])),
            store,
            started: Time(5),
            file: Writing::Nothing,
        };
        state.push(b"first\n").unwrap();
        let folder = state.store.folder().folder(FOLDER).unwrap().unwrap();
        let file = folder.file(&state.name, Access::Read).unwrap().unwrap();
        (made, file, state)
    }

    #[test]
    fn names_are_of_runs() {
        let owner = OwnerId::random().unwrap();
        let key = CallKey::from_bytes([9; 32]);
        assert_eq!(parse(&name(&owner, 12, key)), Some((owner, key)));
        for other in ["", "notes.txt", "a.1.b", &"a".repeat(32)] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_reader_who_keeps_up_misses_nothing() {
        let (_made, file, mut state) = pair();
        let (mut seen, mut after, mut all) = (Vec::new(), None, b"first\n".to_vec());
        for number in 0..40_000_u32 {
            let line = format!("line {number} {}\n", "x".repeat(number as usize % 50));
            state.push(line.as_bytes()).unwrap();
            all.extend_from_slice(line.as_bytes());
            if number % 1000 == 999 {
                let part = read_file(&file, after).unwrap().unwrap();
                seen.extend_from_slice(&part.bytes);
                after = Some((part.started, part.end));
            }
        }
        assert!(all.len() > 4 * (HEAD + TAIL));
        assert_eq!(seen, all);
        assert!(file.metadata().unwrap().len() <= HEADER + HEAD_BYTES + TAIL_BYTES);
    }

    #[test]
    fn who_comes_late_is_told_what_is_missing() {
        let (_made, file, mut state) = pair();
        let mut all = b"first\n".to_vec();
        for number in 0..40_000_u32 {
            let line = format!("line {number}\n");
            state.push(line.as_bytes()).unwrap();
            all.extend_from_slice(line.as_bytes());
        }
        // The middle is missing, as in what is recorded.
        let mut log = crate::process::StderrLog::default();
        log.push(&all);
        let part = read_file(&file, None).unwrap().unwrap();
        assert!(part.bytes == log.to_bytes(), "not what is recorded");
        assert_eq!(part.end, all.len() as u64);
        // Somebody who has the beginning gets the end.
        let part = read_file(&file, Some((Time(5), 100_000))).unwrap().unwrap();
        let missing = all.len() - TAIL - 100_000;
        assert!(part.bytes.starts_with(left_out(missing as u64).as_bytes()));
        assert!(part.bytes.ends_with(b"line 39999\n"));
        // Another run's place does not count.
        let part = read_file(&file, Some((Time(4), 100_000))).unwrap().unwrap();
        assert!(part.bytes.starts_with(b"first\n"));
    }

    #[test]
    fn what_is_being_written_over_is_not_shown() {
        let (_made, file, mut state) = pair();
        state.push(&vec![b'x'; HEAD + TAIL]).unwrap();
        let Writing::Open(_, writer, written) = &state.file else {
            panic!("it was not written");
        };
        // As a kill in the middle of the next push leaves it.
        let reserved = written + 1000;
        write_at(writer, 0, &header(state.started, reserved, *written)).unwrap();
        write_at(writer, place(*written).0, &[b'Q'; 500]).unwrap();
        let part = read_file(&file, None).unwrap().unwrap();
        assert_eq!(part.end, *written);
        assert!(!part.bytes.contains(&b'Q'));
    }

    #[test]
    fn a_header_that_lies_is_harmless() {
        let (_made, file, mut state) = pair();
        state.push(b"second\n").unwrap();
        let Writing::Open(_, writer, _) = &state.file else {
            panic!("it was not written");
        };
        for reserved in [0, 13, u64::MAX] {
            for written in [0, 13, HEAD_BYTES + 1, u64::MAX] {
                write_at(writer, 0, &header(Time(5), reserved, written)).unwrap();
                for offset in [0, 7, HEAD_BYTES, u64::MAX] {
                    let part = read_file(&file, Some((Time(5), offset))).unwrap().unwrap();
                    assert!(part.bytes.len() < HEAD + TAIL + 100);
                }
            }
        }
        write_at(writer, 0, b"something").unwrap();
        assert!(read_file(&file, None).unwrap().is_none());
    }

    #[test]
    fn the_file_is_removed_at_the_end() {
        let (_made, _file, state) = pair();
        let (folder, name) = (
            state.store.folder().folder(FOLDER).unwrap().unwrap(),
            state.name.clone(),
        );
        let log = LiveLog(Arc::new(Mutex::new(state)));
        assert!(folder.look(&name).unwrap().is_some());
        log.end();
        log.push(b"too late");
        assert!(folder.look(&name).unwrap().is_none());
    }
}
