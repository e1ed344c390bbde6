//! How many requests of a remote a call takes, counted by a helper process: what is sent to it, it
//! writes to a file as well.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod adapter;
mod support;

use std::fs::File;
use std::io::{BufRead, Read, StdinLock, Write};
use std::os::fd::FromRawFd;
use std::path::Path;

use adapter::{Bench, put_call, runs};
use daggerml::Result;
use daggerml::config::{Config, Scope};
use daggerml::execution::CallOptions;
use daggerml::transfer::transport::{
    Address, HelperCommand, OpenOptions, open, serve, set_helper_finder,
};

/// Where the helper writes what it is sent.
const LOG: &str = "DML_TEST_LOG";

/// Not a test: this process as the helper, when [`find`] started it.
#[test]
fn helps() {
    if let Ok(address) = std::env::var("DML_TEST_ADDRESS") {
        let folder = address.split_once("://x").unwrap().1.to_owned();
        let address = Address::parse(&folder, Path::new(&folder)).unwrap();
        let place = open(&address, &OpenOptions::default()).unwrap();
        // SAFETY: the script of `find` opened it, and nothing else has it.
        let mut output = unsafe { File::from_raw_fd(3) };
        let log = std::env::var_os(LOG).unwrap();
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut input = Logged(std::io::stdin().lock(), log);
        serve(&*place, false, &mut input, &mut output).unwrap();
        std::process::exit(0);
    }
}

/// Standard input. What is read of it is in the log before it is answered.
struct Logged(StdinLock<'static>, File);

impl Read for Logged {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(bytes)?;
        self.1.write_all(&bytes[..count])?;
        Ok(count)
    }
}

impl BufRead for Logged {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        let bytes = self.0.fill_buf().unwrap();
        self.1.write_all(&bytes[..count]).unwrap();
        self.0.consume(count);
    }
}

/// The test harness writes to standard output, so answers go to descriptor 3.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Finder`")]
fn find(_: &str) -> Result<Option<HelperCommand>> {
    let script = "DML_TEST_ADDRESS=\"$1\" exec \"$0\" helps --exact --nocapture 3>&1 1>/dev/null";
    Ok(Some(HelperCommand {
        program: "sh".into(),
        args: vec![
            "-c".into(),
            script.into(),
            std::env::current_exe().unwrap().into(),
        ],
    }))
}

struct Person(Bench);

impl Person {
    fn new(url: &str, calls: &str) -> Self {
        Self(Bench::sharing(url, calls))
    }

    /// Makes a call. Returns which requests it took.
    fn call(&self, traces: &Path, log: &Path) -> Vec<String> {
        let before = verbs(log).len();
        let mut dag = self.0.dag();
        let nodes = put_call(&mut dag, traces, "sum", &[1, 2]);
        let options = CallOptions::default();
        let node = self
            .0
            .executor
            .call(&mut dag, &nodes, &options, &())
            .unwrap();
        assert!(dag.value(node).is_ok());
        verbs(log).split_off(before)
    }
}

/// The verbs in the log. A description is not asked of the remote.
fn verbs(log: &Path) -> Vec<String> {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let verbs = text.split("\"verb\":\"").skip(1);
    let verbs = verbs.map(|rest| rest.split('"').next().unwrap().to_owned());
    verbs.filter(|verb| verb != "describe").collect()
}

// One test: the user's folder is named by an environment variable of the process.
#[test]
fn a_call_that_a_colleague_ran_is_one_request() {
    let shared = tempfile::tempdir().unwrap();
    let log = shared.path().join("requests");
    // SAFETY: the only test of this process that reads them, before any thread is started.
    unsafe {
        std::env::set_var("DML_CONFIG_DIR", shared.path().join("user"));
        std::env::set_var(LOG, &log);
    }
    set_helper_finder(find);
    let url = format!("counted://x{}", shared.path().join("remote").display());
    let mut config = Config::of(None).unwrap();
    config.add(Scope::User, "remotes.trusted", &url).unwrap();

    let first = Person::new(&url, "read,write");
    assert_eq!(
        first.call(shared.path(), &log),
        ["get", "swap", "swap"],
        "is there a result, the claim, the result"
    );
    let second = Person::new(&url, "read");
    assert_eq!(second.call(shared.path(), &log), ["get"]);
    assert_eq!(second.call(shared.path(), &log), [""; 0], "it is here");
    assert_eq!(runs(shared.path()), 1);
}
