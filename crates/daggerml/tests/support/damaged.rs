//! Damaged copies of one repository, looked at in child processes: a crash is seen as one.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::{Random, child, copy_folder};

/// Bytes in a page of the data file.
pub const PAGE: usize = 4096;

/// The data file, in the folder that has the repository.
pub const DATA: &str = ".dml/data.mdb";

/// A number that the environment variable `name` may set.
pub fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// The folder of the repository that copies are made of.
pub fn pristine(folder: &Path) -> PathBuf {
    folder.join("pristine")
}

/// Runs the test `test` for `total` seeds from `first` on, `step` in each child process,
/// which [`task`] tells of them by `variable`. Returns what went wrong, empty when nothing
/// did.
pub fn in_children(
    (test, variable): (&str, &str),
    folder: &Path,
    (first, total, step): (u64, u64, u64),
) -> String {
    let end = first + total;
    let mut failed = String::new();
    for from in (first..end).step_by(usize::try_from(step).unwrap()) {
        let task = format!("{from} {} {}", (from + step).min(end), folder.display());
        let output = child(test, variable, &task).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        if std::env::var_os("DML_DAMAGE_SHOW").is_some() {
            eprintln!("{told}");
        }
        if !output.status.success() {
            writeln!(failed, "{}\n{told}", output.status).unwrap();
        }
    }
    failed
}

/// What this child process is to do: the seeds, and the folder. `None` in any other.
pub fn task(variable: &str) -> Option<(std::ops::Range<u64>, PathBuf)> {
    let task = std::env::var(variable).ok()?;
    let mut parts = task.splitn(3, ' ');
    let mut number = || parts.next().unwrap().parse().unwrap();
    let seeds = number()..number();
    Some((seeds, parts.next().unwrap().into()))
}

/// Makes a copy for each seed, whose data file `change` damages and describes, and shows
/// it to `look` with that description.
pub fn each_copy(
    folder: &Path,
    seeds: std::ops::Range<u64>,
    change: impl Fn(&mut Vec<u8>, &mut Random) -> String,
    mut look: impl FnMut(&Path, &str),
) {
    let pristine = pristine(folder);
    let original = std::fs::read(pristine.join(DATA)).unwrap();
    for seed in seeds {
        let root = folder.join(format!("copy-{seed}"));
        copy_folder(&pristine, &root);
        let mut bytes = original.clone();
        let what = format!(
            "seed {seed}: {}",
            change(&mut bytes, &mut Random::new(seed))
        );
        std::fs::write(root.join(DATA), &bytes).unwrap();
        eprintln!("{what}");
        look(&root, &what);
        std::fs::remove_dir_all(root).unwrap();
    }
}
