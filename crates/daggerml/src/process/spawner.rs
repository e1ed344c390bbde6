//! Starts processes and sees them end, on one thread for the whole process.
//!
//! On Linux the system tells a child when the *thread* that started it ends, so it
//! must be one that lives as long as the process.

use std::io;
use std::process::{Child, Command};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::group::Group;
use crate::channel::{Receiver, Sender, channel};

/// How long a process may take to stop when its standard input ended.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How often it is looked whether one has ended.
const TICK: Duration = Duration::from_millis(10);

enum Job {
    Start(Command, Sender<io::Result<Child>>),
    /// To be seen to its end; its standard input is closed already.
    Retire(Group),
}

/// The thread, and the process that it is in: after a fork there is none.
static THREAD: Mutex<Option<(u32, Sender<Job>)>> = Mutex::new(None);

/// Starts `command`.
pub(crate) fn start(command: Command) -> io::Result<Child> {
    let (tell, told) = channel();
    send(Job::Start(command, tell))?;
    told.recv().map_err(io::Error::other)?
}

/// Sees that a process whose standard input was closed ends.
pub(crate) fn retire(group: Group) {
    // Without the thread it ends here, when it is dropped.
    let _ = send(Job::Retire(group));
}

fn send(job: Job) -> io::Result<()> {
    let process = std::process::id();
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    let job = match &*thread {
        Some((owner, jobs)) if *owner == process => match jobs.send(job) {
            Ok(()) => return Ok(()),
            Err(unsent) => unsent.0,
        },
        _ => job,
    };
    let (jobs, todo) = channel();
    crate::threads::start("dml-processes", Box::new(move || run(&todo)))?;
    jobs.send(job).map_err(io::Error::other)?;
    *thread = Some((process, jobs));
    Ok(())
}

fn run(todo: &Receiver<Job>) {
    let mut retiring: Vec<(Group, Instant)> = Vec::new();
    loop {
        let job = if retiring.is_empty() {
            todo.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            todo.recv_timeout(TICK)
        };
        match job {
            Ok(Job::Start(mut command, tell)) => {
                let _ = tell.send(command.spawn()); // Whoever asked may be gone.
            }
            Ok(Job::Retire(group)) => retiring.push((group, Instant::now() + GRACE)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // What is dropped is killed, with its group.
        retiring.retain_mut(|(group, until)| !group.has_ended() && Instant::now() < *until);
    }
}
