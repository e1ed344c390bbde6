//! For adapters: end when the caller is gone.

use std::io;

/// Starts a thread that waits for the other end of standard input to be closed, reads
/// nothing, and then kills the process group if this process leads one, else this
/// process. It needs no help of other threads, so nothing that they do delays it.
///
/// Where this cannot be done (Windows), it does nothing: there an adapter notices the
/// end of its standard input by reading.
pub fn guard_stdin() -> io::Result<()> {
    #[cfg(unix)]
    crate::threads::start("dml-guard", Box::new(wait_and_kill))?;
    Ok(())
}

#[cfg(unix)]
fn wait_and_kill() {
    use rustix::event::{PollFd, PollFlags, poll};

    let stdin = io::stdin();
    loop {
        let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
        match poll(&mut fds, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        }
        let [fd] = &fds;
        let gone = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        if fd.revents().intersects(gone) {
            break;
        }
    }
    end_group();
}

/// Ends this process at once; where it leads a process group, all of that.
pub(super) fn end_group() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpgrp, getpid, kill_process, kill_process_group};

        // Neither fails: both are ours.
        let _ = if getpgrp() == getpid() {
            kill_process_group(getpid(), Signal::KILL)
        } else {
            kill_process(getpid(), Signal::KILL)
        };
    }
    // The first process of a container cannot be killed from within; all of that ends with it.
    std::process::exit(1);
}
