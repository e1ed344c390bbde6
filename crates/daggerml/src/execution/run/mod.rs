//! Running a call: from the cache, by waiting for whoever runs it, or by an adapter.
//!
//! | file | holds |
//! |---|---|
//! | `executor` | [`Executor`](executor::Executor): looking a call up, running and recording it |
//! | `again` | running a call again of which only the key is known |
//! | `batch` | many calls at once |
//! | `turns` | how many of them run at once, and how many are claimed ahead |
//! | `together` | what several calls write, in one transaction |
//! | `flight` | callers in one process share a run |
//! | `drive` | one run: attempts until one ends the claim |
//! | `acquire` | getting the claim, or the answer of who had it |
//! | `invocation` | one attempt: invoke, then poll |
//! | `integrate` | taking the result in |
//! | `shared` | asking remotes for the result, and offering it there |
//! | `shared_result` | what is asked for and offered |
//! | `sharer` | a remote that is asked |
//! | `held` | a claim at a remote |
//! | `watch` | somebody else's claim there |
//! | `control` | when to stop, and who is told |
//! | `backoff` | how long to wait, and how often to try again |

pub(crate) mod acquire;
mod again;
mod backoff;
mod batch;
mod control;
mod drive;
pub(crate) mod executor;
mod flight;
mod held;
mod integrate;
mod invocation;
mod shared;
mod shared_result;
mod sharer;
mod together;
mod turns;
mod watch;
