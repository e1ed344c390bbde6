//! Lanes: the targets that are compiled beside each other.
//!
//! The end of each build is one thread, which optimizes the whole program. So as
//! many builds run at once as the machine has cores and memory for. Builds of a lane
//! follow each other and share a target folder; a target is always in the same lane,
//! so that what it compiled the last time is there.

use std::path::{Path, PathBuf};
use std::thread;

use crate::toolchain::platform::{self, Platform};

/// The most lanes: each compiles build scripts and procedural macros of its own.
const MOST: usize = 4;

/// What a build takes at most, in bytes, with a good margin.
const MEMORY: u64 = 2 << 30;

/// One lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    number: usize,
    /// How many there are.
    pub(super) lanes: usize,
}

impl Lane {
    /// All lanes of this machine.
    pub(super) fn all() -> Vec<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let memory = available_memory().map_or(1, |bytes| bytes / MEMORY);
        let lanes = cores
            .min(usize::try_from(memory).unwrap_or(MOST))
            .clamp(1, MOST);
        (0..lanes).map(|number| Self { number, lanes }).collect()
    }

    /// Whether `platform` is compiled in this lane.
    pub(super) fn takes(self, platform: &Platform) -> bool {
        let place = platform::table()
            .iter()
            .position(|known| known.name == platform.name);
        place.unwrap_or_default() % self.lanes == self.number
    }

    /// Where cargo compiles.
    pub(super) fn target_folder(self, work: &Path) -> PathBuf {
        match self.number {
            0 => work.join("cargo"),
            number => work.join(format!("cargo-{number}")),
        }
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

    #[test]
    fn each_platform_is_in_one_lane() {
        for lanes in 1..=MOST {
            let all: Vec<Lane> = (0..lanes).map(|number| Lane { number, lanes }).collect();
            for platform in platform::table() {
                let takers = all.iter().filter(|lane| lane.takes(platform)).count();
                assert_eq!(takers, 1, "{}", platform.name);
            }
        }
    }

    #[test]
    fn lanes_have_folders_of_their_own() {
        let work = Path::new("work");
        let lanes = Lane::all();
        let folders: std::collections::BTreeSet<_> =
            lanes.iter().map(|lane| lane.target_folder(work)).collect();
        assert_eq!(folders.len(), lanes.len());
        assert!(folders.contains(&work.join("cargo")));
    }
}
