//! Whole repositories: files, links, pipes, folders and modes in `.dml`, and any bytes
//! in its store. Whatever is there, reading ends soon, with an error or without one, and
//! nothing outside is changed, made or removed.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use daggerml::config::Config;
use daggerml::execution::Filter;
use daggerml::maintenance::{fsck, gc};
use daggerml::history::HistoryOptions;
use daggerml::{Repository, Result};
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Every name that is used in `.dml`, and the folder itself.
const NAMES: [&str; 9] = [
    "",
    "data.mdb",
    "lock.mdb",
    "config.toml",
    "owners",
    "owners/0123456789abcdef0123456789abcdef",
    "bundle.1.0",
    "lock.new.1",
    "logs",
];

/// Parts of settings, as somebody could write them.
const SETTINGS: [&str; 8] = [
    "[user]\nname = \"x\"\n",
    "[adapter.local]\ncommand = \"/bin/sh\"\n",
    "[safe]\ndirectories = [\"*\"]\n",
    "[calls]\nadapters = [\"../x\"]\n",
    "user.name = 7\n",
    "[[[",
    "\u{1b}[2J = 1\n",
    "a = \"\"\"",
];

/// The longest that reading may take.
const SOON: Duration = Duration::from_secs(5);

/// A folder of this process: `r` has the repository, `victim` what is not its own.
struct Base {
    folder: PathBuf,
    data: Vec<u8>,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("daggerml-fuzz-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let good = folder.join("good");
    fs::create_dir_all(folder.join("victim")).unwrap();
    fs::write(folder.join("victim/file"), "[user]\nname = \"precious\"\n").unwrap();
    let repository = Repository::init(&good).unwrap();
    for number in 0..12i64 {
        let mut dag = repository.new_dag(&format!("dag-{number}"), "m").unwrap();
        let node = dag
            .put(vec![number.into(), "text".repeat(99).into()].into())
            .unwrap();
        dag.commit(node).unwrap();
    }
    let mut open = repository.new_dag("open", "").unwrap();
    open.put(1.into()).unwrap();
    open.flush().unwrap();
    std::mem::forget(open);
    let data = fs::read(good.join(".dml/data.mdb")).unwrap();
    Base { folder, data }
});

/// What is outside: names, and what files hold.
fn outside(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.ends_with("r") || path.ends_with("good") {
            continue;
        }
        if path.is_dir() {
            found.extend(outside(&path));
        }
        let content = path.is_file().then(|| fs::read(&path).unwrap());
        found.insert(path, content);
    }
    found
}

/// Whether `path` itself is a folder.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Removes what is at `path`, whatever it is.
fn clear(path: &Path) {
    if is_folder(path) {
        // Their modes may have been taken away.
        for folder in [
            path,
            &path.join(".dml"),
            &path.join(".dml/owners"),
            &path.join("owners"),
        ] {
            if is_folder(folder) {
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
            }
        }
        fs::remove_dir_all(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
}

/// Makes the repository that `bytes` describe, eight at a time.
fn make(base: &Base, bytes: &[u8]) {
    let root = base.folder.join("r");
    clear(&root);
    let dml = root.join(".dml");
    fs::create_dir_all(dml.join("owners")).unwrap();
    let mut data = base.data.clone();
    let mut rest = Vec::new();
    for step in bytes.chunks_exact(8).take(64) {
        let number = u32::from_le_bytes([step[2], step[3], step[4], step[5]]) as usize;
        match step[0] % 16 {
            0..=7 => {
                let at = number % data.len();
                data[at] = step[6];
            }
            8 => data.truncate(number % base.data.len() + 1),
            _ => rest.push((step, number)),
        }
    }
    fs::write(dml.join("data.mdb"), data).unwrap();
    for (step, number) in rest {
        let path = match NAMES[usize::from(step[1]) % NAMES.len()] {
            "" => dml.clone(),
            name => dml.join(name),
        };
        // What leads elsewhere by now is not followed by us either.
        if path.parent().is_none_or(|parent| !is_folder(parent)) {
            continue;
        }
        if step[0] % 16 == 15 {
            let own =
                |found: fs::Metadata| !found.is_symlink() && (found.is_dir() || found.nlink() == 1);
            if fs::symlink_metadata(&path).is_ok_and(own) {
                let mode = fs::Permissions::from_mode(number as u32 & 0o7777);
                fs::set_permissions(&path, mode).unwrap();
            }
            continue;
        }
        clear(&path);
        let victim = base.folder.join("victim");
        let target = match step[6] % 5 {
            0 => victim.join("file"),
            1 => victim,
            2 => victim.join("made"),
            3 => PathBuf::from("/dev/zero"),
            _ => path.clone(),
        };
        // It cannot be done below what may not be entered any more.
        let _ = match step[0] % 16 {
            9 => symlink(target, &path),
            10 => fs::hard_link(target, &path),
            11 => fs::create_dir(&path),
            12 => Ok(drop(mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0))),
            13 => {
                let parts = (0..3).map(|at| SETTINGS[(number >> (4 * at)) % SETTINGS.len()]);
                fs::write(&path, parts.collect::<String>())
            }
            _ => fs::write(&path, &step[2..]),
        };
    }
}

/// Reads all that there is.
fn read(root: &Path) -> Result<()> {
    let _ = Config::of(Some(root)).map(|config| config.list().len());
    let repository = Repository::open(root)?;
    let _ = repository.author();
    let _ = repository.head_state();
    let _ = repository.refs("");
    let _ = repository.merge_state();
    let _ = repository.drafts();
    let _ = repository.calls(Filter::default());
    for dag in repository.dags().unwrap_or_default().values() {
        let _ = repository
            .view(*dag)
            .and_then(|view| view.value(view.result()?));
    }
    if let Ok(Some(head)) = repository.head() {
        let include = vec![head];
        let options = HistoryOptions {
            include,
            ..HistoryOptions::default()
        };
        let _ = repository.log(options).map(|log| log.flatten().count());
    }
    let _ = fsck::fsck(repository.store(), &mut |_| {});
    let _ = gc::gc(
        repository.store(),
        gc::Options { dry_run: true },
        &mut |_| {},
    );
    Ok(())
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let base = &*BASE;
    make(base, bytes);
    let before = outside(&base.folder);
    let begun = Instant::now();
    let _ = read(&base.folder.join("r"));
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
    assert_eq!(outside(&base.folder), before);
});
