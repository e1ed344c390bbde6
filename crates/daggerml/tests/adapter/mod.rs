//! A real adapter for tests: this test binary run as a process of its own, which
//! speaks the protocol on its standard streams and does what the runnable's URI says.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    reason = "each test binary uses a part of it; helpers of tests fail by panicking"
)]

pub mod program;
pub mod varied;

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use daggerml::config::{Config, Scope};
use daggerml::dag::Draft;
use daggerml::execution::{
    AdapterCommand, AdapterName, AdapterRegistry, CallOptions, Event, Executor, ExecutorOptions,
    Filter, Observer,
};
use daggerml::id::NodeId;
use daggerml::record::CallKey;
use daggerml::value::{Map, Runnable, Uri, Value};
use daggerml::{Repository, Result};

/// Keeps what an observer is told: the number of an item, and how far it is.
#[derive(Default)]
pub struct Seen(pub Mutex<Vec<(usize, &'static str)>>);

impl Observer for Seen {
    fn event(&self, event: &Event) {
        let told = (event.item, event.progress.as_str());
        self.0.lock().unwrap().push(told);
    }
}

impl Seen {
    /// Whether it was told of `progress`.
    pub fn has(&self, progress: &str) -> bool {
        let told = self.0.lock().unwrap();
        told.iter().any(|(_, one)| *one == progress)
    }
}

/// Waits for something that comes soon, and on a busy machine later.
pub fn until(mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !ready() {
        assert!(Instant::now() < deadline, "it did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the process `pid` has ended; its parent may not have waited for it.
pub fn has_ended(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
        // The first thread is a zombie before the others have ended.
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        threads < 2 && state.is_some_and(|state| state.starts_with(['Z', 'X']))
    })
}

/// Not a test: this process as the adapter, when [`command`] started it.
#[test]
fn serves() {
    if std::env::var_os("DML_TEST_ADAPTER").is_some() {
        program::serve();
        std::process::exit(0);
    }
}

/// A repository, the folder that functions leave their traces in, and an executor.
pub struct Bench {
    pub folder: tempfile::TempDir,
    pub repository: Repository,
    pub executor: Executor,
}

/// How the adapter is run.
#[derive(Clone, Copy, Default)]
pub struct Setup {
    pub processes: usize,
    pub shares_repository: bool,
    pub lease: Option<Duration>,
}

impl Bench {
    /// Makes one whose calls are shared by a remote, as the setting `calls` says.
    pub fn sharing(url: &str, calls: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        repository.add_remote("origin", url).unwrap();
        let mut config = Config::of(Some(folder.path())).unwrap();
        let key = "remote.origin.calls";
        config.set(Scope::Repository, key, calls).unwrap();
        let executor = executor(&repository, Setup::default());
        Self {
            folder,
            repository,
            executor,
        }
    }

    pub fn new(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let executor = executor(&repository, setup);
        Self {
            folder,
            repository,
            executor,
        }
    }

    pub fn dag(&self) -> Draft {
        self.repository.new_dag("test", "").unwrap()
    }

    /// Calls the function `name` with ints.
    pub fn call(&self, name: &str, args: &[i64], options: &CallOptions) -> Result<(Draft, NodeId)> {
        let mut dag = self.dag();
        let nodes = put_call(&mut dag, self.folder.path(), name, args);
        let node = self.executor.call(&mut dag, &nodes, options, &())?;
        Ok((dag, node))
    }

    /// The value of such a call.
    pub fn value(&self, name: &str, args: &[i64]) -> Result<Value> {
        let (dag, node) = self.call(name, args, &CallOptions::default())?;
        dag.value(node)
    }

    /// The key of the newest call.
    pub fn newest_key(&self) -> CallKey {
        self.repository.calls(Filter::default()).unwrap()[0].key
    }

    /// How often the functions ran.
    pub fn runs(&self) -> usize {
        runs(self.folder.path())
    }
}

pub fn runs(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("runs")).map_or(0, |text| text.lines().count())
}

/// Puts the runnable of the function `name` and its arguments.
pub fn put_call(dag: &mut Draft, folder: &Path, name: &str, args: &[i64]) -> Vec<NodeId> {
    let mut nodes = vec![dag.put(runnable(folder, name, "local")).unwrap()];
    nodes.extend(args.iter().map(|arg| dag.put(Value::from(*arg)).unwrap()));
    nodes
}

pub fn runnable(folder: &Path, name: &str, adapter: &str) -> Value {
    let folder = folder.to_str().unwrap();
    let kwargs = Map::new(vec![(Value::from("folder"), Value::from(folder))]).unwrap();
    Value::Runnable(Box::new(Runnable {
        uri: Uri::new(&format!("test:{name}")).unwrap(),
        adapter: adapter.to_owned(),
        kwargs,
        sub: None,
    }))
}

/// This binary as an adapter. The test harness writes to standard output, so answers
/// go to descriptor 3.
pub fn command(setup: Setup) -> AdapterCommand {
    let exe = std::env::current_exe().unwrap();
    let script =
        "DML_TEST_ADAPTER=1 exec \"$0\" adapter::serves --exact --nocapture 3>&1 1>/dev/null";
    let mut command = AdapterCommand::new("sh");
    command.args = vec!["-c".into(), script.into(), exe.into()];
    command.processes = setup.processes;
    command.shares_repository = setup.shares_repository;
    command
}

pub fn executor(repository: &Repository, setup: Setup) -> Executor {
    let mut adapters = AdapterRegistry::default();
    adapters.add(AdapterName::new("local").unwrap(), command(setup));
    let mut options = ExecutorOptions::default();
    if let Some(lease) = setup.lease {
        options.lease = lease;
    }
    Executor::new(repository.clone(), adapters, options)
}

/// The processes whose command line has `word`, which must be rare, less this one.
pub fn processes(word: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let has = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(word);
        if pid != std::process::id() && (has(&line) || has(&environment)) {
            found.push(pid);
        }
    }
    found
}
