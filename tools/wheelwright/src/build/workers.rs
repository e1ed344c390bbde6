//! Workers, which compile several targets at the same time.
//!
//! Each build ends in one long step with a single thread, which optimizes the whole
//! program. So there is one worker more than the machine has cores, if it has the memory:
//! five targets on two cores would leave one of them without work for the last. A
//! worker compiles its targets one after another in a target folder of its own. It takes
//! the next target that is left, so none waits while another has several to do. A target
//! that was compiled before has the same worker again, and so finds what is left of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::plan::Job;

/// No more than this: each worker compiles its own build scripts and procedural macros.
const MOST: usize = 4;

/// The memory that one build needs, in bytes, with a good margin.
const MEMORY: u64 = 2 << 30;

/// One worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    number: usize,
    /// How many there are.
    pub(super) workers: usize,
}

impl Worker {
    /// All workers of this machine.
    pub(super) fn all() -> Vec<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let memory = available_memory().map_or(1, |bytes| bytes / MEMORY);
        let spare = usize::from(cores > 1);
        let workers = (cores + spare)
            .min(usize::try_from(memory).unwrap_or(MOST))
            .clamp(1, MOST);
        (0..workers)
            .map(|number| Self { number, workers })
            .collect()
    }

    /// The folder in which this worker's cargo compiles.
    pub(super) fn target_folder(self, work: &Path) -> PathBuf {
        match self.number {
            0 => work.join("cargo"),
            number => work.join(format!("cargo-{number}")),
        }
    }
}

/// What is left to compile.
pub(super) struct Queue {
    left: Mutex<Left>,
}

struct Left {
    jobs: Vec<Job>,
    /// For each target that was begun, the number of its worker.
    owners: BTreeMap<String, usize>,
}

impl Queue {
    /// All of `jobs`. What their targets have of an earlier build is in the folders of
    /// `workers`.
    pub(super) fn new(jobs: &[Job], workers: &[Worker], work: &Path) -> Self {
        let mut owners = BTreeMap::new();
        for job in jobs {
            let target = &job.platform.rust_target;
            let has = |worker: &&Worker| worker.target_folder(work).join(target).is_dir();
            if let Some(worker) = workers.iter().find(has) {
                owners.insert(target.clone(), worker.number);
            }
        }
        let jobs = jobs.to_vec();
        Self {
            left: Mutex::new(Left { jobs, owners }),
        }
    }

    /// Takes the next job for `worker`: of a target of its own, or else of one that nobody has.
    /// Says how many of these there are with it.
    pub(super) fn next(&self, worker: Worker) -> Option<(Job, usize)> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Left { jobs, owners } = &mut *left;
        let owner = |job: &Job| owners.get(&job.platform.rust_target).copied();
        let own = |job: &Job| owner(job) == Some(worker.number);
        let place = jobs
            .iter()
            .position(own)
            .or_else(|| jobs.iter().position(|job| owner(job).is_none()))?;
        let others = jobs
            .iter()
            .filter(|job| owner(job).is_none_or(|owner| owner == worker.number));
        let count = others.count();
        let job = jobs.remove(place);
        owners.insert(job.platform.rust_target.clone(), worker.number);
        Some((job, count))
    }
}

/// How much memory can be had without swapping, where the system says so.
fn available_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::abi::Abi;
    use crate::toolchain::platform::{Table, usual};

    /// Two jobs for each of the usual platforms.
    fn jobs() -> Vec<Job> {
        let table = Table::own();
        let platforms = usual().iter().map(|name| table.by_name(name).unwrap());
        let of = |platform| [Abi::Stated, Abi::Stable(9)].map(|abi| Job { platform, abi });
        platforms.flat_map(of).collect()
    }

    fn workers(count: usize) -> Vec<Worker> {
        let worker = |number| Worker {
            number,
            workers: count,
        };
        (0..count).map(worker).collect()
    }

    #[test]
    fn each_job_is_taken_once_and_those_of_one_target_by_one_worker() {
        for count in 1..=MOST {
            let (all, queue) = (workers(count), Queue::new(&jobs(), &[], Path::new("none")));
            let (mut taken, mut owners) = (Vec::new(), BTreeMap::new());
            while let Some((worker, job)) = all
                .iter()
                .cycle()
                .skip(taken.len())
                .take(count)
                .find_map(|worker| queue.next(*worker).map(|(job, _)| (worker.number, job)))
            {
                let owner = *owners.entry(&job.platform.name).or_insert(worker);
                assert_eq!(owner, worker, "{}", job.platform.name);
                taken.push(job);
            }
            assert_eq!(taken.len(), jobs().len());
            assert!(jobs().iter().all(|job| taken.contains(job)));
        }
    }

    #[test]
    fn a_worker_takes_on_what_it_has_begun_before() {
        let work = tempfile::tempdir().unwrap();
        let (all, jobs) = (workers(2), jobs());
        let last = jobs.last().unwrap().platform;
        let begun = all[1].target_folder(work.path()).join(&last.rust_target);
        std::fs::create_dir_all(begun).unwrap();
        let queue = Queue::new(&jobs, &all, work.path());
        assert_eq!(queue.next(all[1]).unwrap().0.platform, last);
        let (job, left) = queue.next(all[0]).unwrap();
        assert_eq!((job.platform, left), (jobs[0].platform, jobs.len() - 2));
        let next = || queue.next(all[0]).map(|(job, _)| job);
        let of_first: Vec<Job> = std::iter::from_fn(next).collect();
        assert!(of_first.iter().all(|job| job.platform != last));
        // A machine with less memory now has fewer workers, and all is theirs.
        let queue = Queue::new(&jobs, &all[..1], work.path());
        assert_eq!(
            std::iter::from_fn(|| queue.next(all[0])).count(),
            jobs.len()
        );
    }

    #[test]
    fn lanes_have_folders_of_their_own() {
        let work = Path::new("work");
        let workers = Worker::all();
        let folders: std::collections::BTreeSet<_> = workers
            .iter()
            .map(|worker| worker.target_folder(work))
            .collect();
        assert_eq!(folders.len(), workers.len());
        assert!(folders.contains(&work.join("cargo")));
    }
}
