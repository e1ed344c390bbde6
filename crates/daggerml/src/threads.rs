//! Threads that run by themselves, started by code that is compiled once.

use std::io;

/// Starts a thread. What it waits for tells it to end: nobody joins it.
pub fn start(name: &str, work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop)
}
