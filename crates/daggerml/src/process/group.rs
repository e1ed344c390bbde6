//! A child process with all that it starts: a process group.

use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A process in a group of its own. When dropped, the group is killed.
pub(crate) struct Group {
    child: Child,
    status: Option<ExitStatus>,
    /// The process that started it: a fork of that must leave it alone.
    parent: u32,
}

/// Lets `command` begin a group of its own, and on Linux be told when we die.
#[cfg_attr(
    not(unix),
    expect(unused_variables, reason = "Windows has no groups to begin")
)]
pub(crate) fn set_up(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(target_os = "linux")]
    {
        let parent = std::process::id();
        let ask = move || {
            let signal = Some(rustix::process::Signal::TERM);
            rustix::process::set_parent_process_death_signal(signal)?;
            // It may have died before.
            let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
            match now.map(u32::try_from) {
                Some(Ok(now)) if now == parent => Ok(()),
                _ => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe)),
            }
        };
        // SAFETY: between fork and exec it makes two system calls and allocates nothing.
        unsafe { std::os::unix::process::CommandExt::pre_exec(command, ask) };
    }
}

impl Group {
    pub fn new(child: Child) -> Self {
        Self {
            child,
            status: None,
            parent: std::process::id(),
        }
    }

    /// Returns whether the process has ended; others of its group may not have.
    pub fn has_ended(&mut self) -> bool {
        if self.status.is_some() {
            return true;
        }
        #[cfg(unix)]
        {
            // It is not reaped yet, so that its number still stands for its group.
            use rustix::process::{WaitId, WaitIdOptions, waitid};
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            self.pid()
                .is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), options), Ok(None)))
        }
        #[cfg(not(unix))]
        {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.status = Some(status);
            }
            self.status.is_some()
        }
    }

    /// Waits for the process to end. Returns whether it did in time.
    pub fn wait(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut pause = Duration::from_millis(1);
        while !self.has_ended() {
            if Instant::now() >= until {
                return false;
            }
            sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        true
    }

    /// Asks the group to end.
    pub fn terminate(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::TERM);
    }

    /// Kills the group; how the process ended.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            #[cfg(unix)]
            self.signal(rustix::process::Signal::KILL);
            #[cfg(not(unix))]
            let _ = self.child.kill();
            self.status = self.child.wait().ok();
        }
        self.status
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        if self.status.is_none()
            && let Some(pid) = self.pid()
        {
            let _ = rustix::process::kill_process_group(pid, signal); // It may be gone.
        }
    }

    #[cfg(unix)]
    fn pid(&self) -> Option<rustix::process::Pid> {
        rustix::process::Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.parent == std::process::id() {
            self.kill();
        }
    }
}

/// Returns how a process ended, in words.
pub(crate) fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was killed by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("exited with status {code}"),
        None => format!("ended: {status}"),
    }
}
