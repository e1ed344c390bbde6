//! How a call is to be run, and what is told of it meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::record::CallKey;

/// How a call is to be run.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// Whether a result that is there already will do.
    pub cache: bool,
    /// How long it may take, waiting and retries included.
    pub timeout: Option<Duration>,
    /// How often a transient failure of the adapter is tried again.
    pub retries: u32,
    /// The calls that it is nested in, outermost first.
    pub ancestors: Vec<CallKey>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            cache: true,
            timeout: None,
            retries: 3,
            ancestors: Vec::new(),
        }
    }
}

/// A flag that stops calls; clones are the same flag.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Stops them.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Returns whether they should stop.
    pub fn is_canceled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is answered from the cache.
    Cached,
    /// Somebody else runs it.
    Waiting,
    /// It will be run here.
    Claimed,
    /// The adapter was asked.
    Invoked,
    /// The adapter works on it.
    Pending,
    /// The adapter failed, and will be asked again after this time.
    Retrying {
        /// What went wrong.
        reason: String,
        /// How long to wait.
        after: Duration,
    },
    /// Something did not go as it should, and the call goes on all the same.
    Notice {
        /// What.
        reason: String,
    },
    /// It was run to its end, here or elsewhere.
    Done,
    /// It was not run to its end.
    Failed {
        /// What went wrong.
        reason: String,
    },
}

impl Progress {
    /// Returns the name of what happened.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Cached => "cached",
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Invoked => "invoked",
            Self::Pending => "pending",
            Self::Retrying { .. } => "retrying",
            Self::Notice { .. } => "notice",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
        }
    }
}

/// Something that happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which of the calls that were asked for together.
    pub item: usize,
    /// The call.
    pub key: CallKey,
    /// The number of the attempt; 0 where there is none.
    pub attempt: u64,
    /// What happened.
    pub progress: Progress,
}

/// Who is told of calls, on the thread that asked for them.
pub trait Observer {
    /// Something happened.
    fn event(&self, _event: &Event) {}

    /// Returns whether the calls should stop; asked at least every 100 ms.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Nobody.
impl Observer for () {}

impl Observer for CancelToken {
    fn interrupted(&self) -> bool {
        self.is_canceled()
    }
}
