//! What a process writes to standard error: its beginning and its end are kept.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept of the beginning ...
const HEAD: usize = 64 << 10;

/// ... and of the end.
const TAIL: usize = 192 << 10;

/// Lines of a log that an error shows, and their most bytes.
const SHOWN_LINES: usize = 20;
const SHOWN_BYTES: usize = 4096;

/// What a process wrote to standard error. When it is much, the middle is left out.
#[derive(Default)]
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

    /// Appends a line of our own.
    pub fn push_line(&mut self, line: &str) {
        let last = self.tail.back().or(self.head.last());
        if last.is_some_and(|byte| *byte != b'\n') {
            self.push(b"\n");
        }
        self.push(line.as_bytes());
        self.push(b"\n");
    }

    /// Returns all that was kept.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            let note = format!("\n[... {} bytes left out ...]\n", self.left_out);
            bytes.extend_from_slice(note.as_bytes());
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

/// Reads a process's standard error as it comes.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Shared>);

struct Shared {
    from: File,
    log: Mutex<StderrLog>,
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
        std::thread::Builder::new()
            .name("dml-log".to_owned())
            .spawn(move || reader.read_all())?;
        Ok(capture)
    }

    fn log(&self) -> MutexGuard<'_, StderrLog> {
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was written so far, all of it.
    pub fn take(&self) -> StderrLog {
        #[cfg(not(unix))]
        std::thread::sleep(std::time::Duration::from_millis(20)); // for the reader to catch up
        let mut log = self.log();
        #[cfg(unix)]
        while self.read_ready(&mut log) {}
        std::mem::take(&mut *log)
    }

    /// Reads what is there, and does not wait. Returns whether there was something.
    #[cfg(unix)]
    fn read_ready(&self, log: &mut StderrLog) -> bool {
        let mut buffer = [0; 16 << 10];
        let ready = rustix::io::ioctl_fionread(&self.0.from).unwrap_or(0);
        let ready = usize::try_from(ready).unwrap_or(usize::MAX);
        let part = buffer.len().min(ready);
        let Some(part) = buffer.get_mut(..part).filter(|part| !part.is_empty()) else {
            return false;
        };
        match (&self.0.from).read(part) {
            Ok(read) if read > 0 => {
                log.push(part.get(..read).unwrap_or_default());
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
            let read = self.read_ready(&mut self.log());
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
            self.log().push(buffer.get(..read).unwrap_or_default());
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
    fn a_line_of_ours_begins_a_line() {
        let mut log = StderrLog::default();
        log.push_line("one");
        log.push(b"no end");
        log.push_line("two");
        assert_eq!(log.to_bytes(), b"one\nno end\ntwo\n");
    }
}
