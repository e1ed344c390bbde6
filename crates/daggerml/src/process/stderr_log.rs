//! What a process writes to standard error: its beginning and its end are kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept of the beginning ...
pub(crate) const HEAD: usize = 64 << 10;

/// ... and of the end.
pub(crate) const TAIL: usize = 192 << 10;

/// Lines of a log that an error shows, and their most bytes.
const SHOWN_LINES: usize = 20;
const SHOWN_BYTES: usize = 4096;

/// Returns what stands in the place of so many bytes.
pub(crate) fn left_out(bytes: u64) -> String {
    format!("\n[... {bytes} bytes left out ...]\n")
}

/// Returns the rest of a log, of which the first `seen` bytes were read while it was written,
/// out of what [`StderrLog::to_bytes`] kept of it.
pub(crate) fn rest_of(kept: &[u8], seen: u64) -> Vec<u8> {
    let from = |at: u64| kept.get(usize::try_from(at).unwrap_or(usize::MAX)..);
    let (head, past) = kept.split_at(kept.len().min(HEAD));
    let missing = past
        .strip_prefix(b"\n[... ")
        .and_then(|rest| rest.get(..rest.iter().position(|byte| *byte == b' ')?))
        .and_then(|digits| str::from_utf8(digits).ok()?.parse::<u64>().ok())
        .filter(|missing| past.starts_with(left_out(*missing).as_bytes()))
        .filter(|missing| past.len() == left_out(*missing).len() + TAIL);
    match missing {
        Some(missing) if seen > head.len() as u64 => {
            let tail = past.get(past.len() - TAIL..).unwrap_or_default();
            let begin = (head.len() as u64).saturating_add(missing);
            match seen.checked_sub(begin) {
                Some(past) => tail.get(usize::try_from(past).unwrap_or(usize::MAX)..),
                None => return [left_out(begin - seen).as_bytes(), tail].concat(),
            }
        }
        _ => from(seen),
    }
    .unwrap_or_default()
    .to_vec()
}

/// What a process wrote to standard error. When it is much, the middle is left out.
#[derive(Clone, Default)]
pub(crate) struct StderrLog {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl StderrLog {
    pub fn push(&mut self, bytes: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    /// Appends what another process wrote.
    pub fn append(&mut self, other: &Self) {
        self.push(&other.head);
        if other.left_out > 0 {
            // There is one gap, so what comes between two of them is left out as well.
            self.left_out += other.left_out + self.tail.len() as u64;
            self.tail.clear();
        }
        let (first, second) = other.tail.as_slices();
        self.push(first);
        self.push(second);
    }

    /// Appends a line of our own. Returns what was appended.
    pub fn push_line(&mut self, line: &str) -> Vec<u8> {
        let last = self.tail.back().or(self.head.last());
        let begin = if last.is_some_and(|byte| *byte != b'\n') {
            "\n"
        } else {
            ""
        };
        let bytes = format!("{begin}{line}\n").into_bytes();
        self.push(&bytes);
        bytes
    }

    /// Returns all that was kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            bytes.extend_from_slice(left_out(self.left_out).as_bytes());
        }
        bytes.extend(&self.tail);
        bytes
    }

    /// Returns the last lines, as text.
    pub fn end(&self) -> String {
        let bytes = self.to_bytes();
        let from = bytes.len().saturating_sub(SHOWN_BYTES);
        let text = String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned();
        let lines: Vec<_> = text.trim_end().lines().collect();
        let from = lines.len().saturating_sub(SHOWN_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

/// Who is told what a process writes, as it comes.
pub(crate) type Listener = Box<dyn Fn(&[u8]) + Send>;

/// Reads a process's standard error as it comes.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Shared>);

struct Shared {
    from: File,
    log: Mutex<Heard>,
}

#[derive(Default)]
struct Heard {
    log: StderrLog,
    listener: Option<Listener>,
}

impl Heard {
    fn push(&mut self, bytes: &[u8]) {
        self.log.push(bytes);
        if let Some(listener) = &self.listener {
            listener(bytes);
        }
    }
}

impl Capture {
    pub fn start(from: ChildStderr) -> io::Result<Self> {
        #[cfg(unix)]
        let from = File::from(std::os::fd::OwnedFd::from(from));
        #[cfg(windows)]
        let from = File::from(std::os::windows::io::OwnedHandle::from(from));
        let log = Mutex::default();
        let capture = Self(Arc::new(Shared { from, log }));
        let reader = capture.clone();
        crate::threads::start("dml-log", Box::new(move || reader.read_all()))?;
        Ok(capture)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells `listener`, from now on, what is written, and first what was not taken yet.
    pub fn tell(&self, listener: Option<Listener>) {
        let mut heard = self.heard();
        if let Some(listener) = &listener {
            listener(&heard.log.to_bytes());
        }
        heard.listener = listener;
    }

    /// Takes what was written so far, all of it.
    pub fn take(&self) -> StderrLog {
        #[cfg(not(unix))]
        std::thread::sleep(std::time::Duration::from_millis(20)); // for the reader to catch up
        let mut heard = self.heard();
        #[cfg(unix)]
        while self.read_ready(&mut heard) {}
        std::mem::take(&mut heard.log)
    }

    /// Reads what is there, and does not wait. Returns whether there was something.
    #[cfg(unix)]
    fn read_ready(&self, heard: &mut Heard) -> bool {
        let mut buffer = [0; 16 << 10];
        let ready = rustix::io::ioctl_fionread(&self.0.from).unwrap_or(0);
        let ready = usize::try_from(ready).unwrap_or(usize::MAX);
        let part = buffer.len().min(ready);
        let Some(part) = buffer.get_mut(..part).filter(|part| !part.is_empty()) else {
            return false;
        };
        match (&self.0.from).read(part) {
            Ok(read) if read > 0 => {
                heard.push(part.get(..read).unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    #[cfg(unix)]
    fn read_all(&self) {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let mut fds = [PollFd::new(&self.0.from, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => return,
            }
            let [fd] = &fds;
            let events = fd.revents();
            let read = self.read_ready(&mut self.heard());
            if !read && !events.contains(PollFlags::IN) {
                return; // The other end is closed, and nothing is left.
            }
        }
    }

    #[cfg(not(unix))]
    fn read_all(&self) {
        let mut buffer = [0; 16 << 10];
        while let Ok(read) = (&self.0.from).read(&mut buffer) {
            if read == 0 {
                return;
            }
            self.heard().push(buffer.get(..read).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_loses_its_middle() {
        let mut log = StderrLog::default();
        log.push(b"first\n");
        for _ in 0..10_000 {
            log.push(&[b'x'; 99]);
            log.push(b"\n");
        }
        log.push_line("last");
        let bytes = log.to_bytes();
        assert!(bytes.len() < HEAD + TAIL + 100, "{}", bytes.len());
        assert!(bytes.starts_with(b"first\n"));
        assert!(bytes.ends_with(b"\nlast\n"));
        assert!(String::from_utf8_lossy(&bytes).contains("bytes left out"));
        assert_eq!(log.end().lines().count(), SHOWN_LINES);
        assert!(log.end().ends_with("last"));
    }

    #[test]
    fn one_gap_tells_of_all_that_is_left_out() {
        let (mut all, mut log) = (0, StderrLog::default());
        for size in [100, 2 * (HEAD + TAIL), 50, 3 * (HEAD + TAIL), 7] {
            let mut one = StderrLog::default();
            one.push(&vec![b'x'; size]);
            log.append(&one);
            all += size;
        }
        assert_eq!(log.head.len() + log.tail.len(), HEAD + log.tail.len());
        assert_eq!(log.left_out, (all - HEAD - log.tail.len()) as u64);
    }

    #[test]
    fn the_rest_of_a_log_is_what_was_not_seen() {
        for size in [0, 10, HEAD, HEAD + TAIL, HEAD + TAIL + 1, 3 * (HEAD + TAIL)] {
            let all: Vec<u8> = (b'a'..b'x').cycle().take(size).collect();
            let mut log = StderrLog::default();
            log.push(&all);
            let kept = log.to_bytes();
            assert_eq!(rest_of(&kept, 0), kept);
            let begin = size.saturating_sub(TAIL).max(HEAD);
            for seen in [
                1,
                HEAD,
                HEAD + 1,
                size / 2,
                size.saturating_sub(5),
                size,
                size + 9,
            ] {
                let rest = rest_of(&kept, seen as u64);
                let from = seen.min(size);
                if size <= HEAD + TAIL || from >= begin {
                    assert_eq!(rest, all[from..], "{seen} of {size}");
                } else if from > HEAD {
                    let note = left_out((begin - from) as u64);
                    assert_eq!(rest, [note.as_bytes(), &all[begin..]].concat());
                } else {
                    assert_eq!(rest, kept[from..]);
                }
            }
        }
    }

    #[test]
    fn a_line_of_ours_begins_a_line() {
        let mut log = StderrLog::default();
        log.push_line("one");
        log.push(b"no end");
        log.push_line("two");
        assert_eq!(log.to_bytes(), b"one\nno end\ntwo\n");
    }
}
