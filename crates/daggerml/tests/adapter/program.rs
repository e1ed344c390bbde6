//! What the adapter does.

use std::fs::File;
use std::io::{BufRead, Write};
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use daggerml::Repository;
use daggerml::dag::Draft;
use daggerml::execution::{CallOptions, guard_stdin};
use daggerml::record::{ErrorInfo, TRANSIENT};
use daggerml::transfer::create;
use daggerml::value::{Runnable, Value};
use serde_json::{Value as Json, json};

use super::{Setup, executor, put_call};

/// Answers until standard input ends.
pub fn serve() {
    // SAFETY: the script that starts this process opens 3, and nobody else has it.
    let mut out = unsafe { File::from_raw_fd(3) };
    guard_stdin().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let own = Repository::init(scratch.path()).unwrap();
    for line in std::io::stdin().lock().lines() {
        let request: Json = serde_json::from_str(&line.unwrap()).unwrap();
        let mut answer = match request["op"].as_str().unwrap() {
            "invoke" => invoke(&request, &own, &mut out),
            "poll" => poll(&request, &own, &mut out),
            _ => {
                note(Path::new(request["token"].as_str().unwrap()), "canceled");
                json!({"state": "canceled"})
            }
        };
        if answer.is_null() {
            continue;
        }
        if answer.get("id").is_none() {
            answer["id"] = request["id"].clone();
        }
        writeln!(out, "{answer}").unwrap();
    }
}

fn note(folder: &Path, file: &str) -> usize {
    let path = folder.join(file);
    let mut open = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .unwrap();
    writeln!(open, "{}", std::process::id()).unwrap();
    std::fs::read_to_string(&path).unwrap().lines().count()
}

fn folder_of(runnable: &Runnable) -> PathBuf {
    match runnable.kwargs.get(&Value::from("folder")) {
        Some(Value::String(folder)) => folder.into(),
        _ => panic!("a folder expected"),
    }
}

fn ints(dag: &Draft) -> Vec<i64> {
    let Value::List(args) = dag.value(dag.argv().unwrap()).unwrap() else {
        panic!("arguments are a list");
    };
    args.iter()
        .map(|arg| match arg {
            Value::Int(int) => int.to_string().parse().unwrap(),
            other => panic!("an int expected, not {other:?}"),
        })
        .collect()
}

fn done(mut dag: Draft, value: i64, partial: bool) -> Json {
    let node = dag.put(Value::from(value)).unwrap();
    let (bundle, id) = dag.end_as_bundle(Ok(node), partial).unwrap();
    answer(&bundle, &id.to_string())
}

fn answer(bundle: &[u8], dag: &str) -> Json {
    json!({"state": "done", "bundle": STANDARD.encode(bundle), "dag": dag})
}

/// A DAG of more bytes than a bundle of a shared result may have, in several packs.
fn large(mut dag: Draft, args: &[i64], partial: bool) -> Json {
    let mut last = None;
    for number in 0..4_u8 {
        let byte = number ^ u8::try_from(args[0]).unwrap();
        last = Some(dag.put(Value::Bytes(vec![byte; 5 << 20])).unwrap());
    }
    let (bundle, id) = dag.end_as_bundle(Ok(last.unwrap()), partial).unwrap();
    let dag = id.to_string();
    json!({"state": "done", "bundle": STANDARD.encode(bundle), "dag": dag})
}

fn invoke(request: &Json, own: &Repository, out: &mut File) -> Json {
    let shared = request["repository"].as_str();
    let repository = shared.map_or_else(
        || own.clone(),
        |root| Repository::open(Path::new(root)).unwrap(),
    );
    let bundle = STANDARD
        .decode(request["bundle"].as_str().unwrap())
        .unwrap();
    let (dag, runnable) = repository.take_call("test", &bundle).unwrap();
    let folder = folder_of(&runnable);
    let runs = note(&folder, "runs");
    let args = ints(&dag);
    let sum = args.iter().sum();
    let name = runnable.uri.as_str().strip_prefix("test:").unwrap();
    match name {
        "busy-at-second" if runs == 2 => busy(dag, &args),
        "sum" | "busy-at-second" => done(dag, sum, shared.is_some()),
        "slow" => {
            std::thread::sleep(Duration::from_millis(args[0].unsigned_abs()));
            done(dag, sum, shared.is_some())
        }
        "until-go" => {
            while !folder.join("go").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            done(dag, sum, shared.is_some())
        }
        "tell" => {
            tell(&folder, runs);
            done(dag, sum, shared.is_some())
        }
        "tell-and-crash-at-first" => {
            tell(&folder, runs);
            if runs == 1 {
                std::process::exit(3);
            }
            done(dag, sum, shared.is_some())
        }
        "fail" => fail(dag),
        "large" => large(dag, &args, shared.is_some()),
        "busy-after-go" => {
            while !folder.join("go").exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
            busy(dag, &[])
        }
        "busy" => busy(dag, &args),
        "busy-at-first" if runs == 1 => busy(dag, &args),
        "pending" => {
            let key = request["key"].as_str().unwrap();
            std::fs::write(folder.join(key), &bundle).unwrap();
            note(&folder, &format!("asked-{key}"));
            let token = format!("{}/{key}", folder.display());
            json!({"state": "pending", "token": token, "retry_after_ms": 20})
        }
        "lost-at-first" if note(&folder, &format!("lost-{}", request["key"])) == 1 => {
            let token = folder.join("nothing");
            json!({"state": "pending", "token": token, "retry_after_ms": 20})
        }
        "hang-pending" => {
            json!({"state": "pending", "token": folder.to_str().unwrap(), "retry_after_ms": 20})
        }
        "nested" | "nested-loop" => nested(dag, &repository, &folder, request),
        "silent-at-first" if runs == 1 => misbehave("silent", dag, out),
        "crash-at-first" if runs == 1 => std::process::exit(3),
        "transient-at-first" if runs == 1 => {
            let error = json!({"kind": "busy", "message": "later", "transient": true});
            json!({"state": "error", "error": error, "log": "the scheduler is busy\n"})
        }
        _ if name.ends_with("-at-first") => done(dag, sum, shared.is_some()),
        _ => misbehave(name, dag, out),
    }
}

/// Writes to the log, waits for the file `go`, and writes again.
fn tell(folder: &Path, run: usize) {
    eprintln!("begin {run} \u{1b}[31m<b>");
    while !folder.join("go").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    eprintln!("end {run}");
}

fn fail(mut dag: Draft) -> Json {
    eprintln!("about to fail");
    let error = ErrorInfo {
        origin: "test".to_owned(),
        kind: "Oops".to_owned(),
        message: "it failed".to_owned(),
        stack: Vec::new(),
    };
    let (bundle, id) = dag.end_as_bundle(Err(error), false).unwrap();
    answer(&bundle, &id.to_string())
}

/// Fails transiently: with an argument, after it was tried again within; or says to wait
/// for so many milliseconds.
fn busy(mut dag: Draft, args: &[i64]) -> Json {
    dag.add_tag(TRANSIENT).unwrap();
    let mut answer = fail(dag);
    match args {
        [0, ..] => answer["retried"] = json!(true),
        [wait, ..] => answer["retry_after_ms"] = json!(wait),
        [] => {}
    }
    answer
}

fn poll(request: &Json, own: &Repository, _out: &mut File) -> Json {
    let token = Path::new(request["token"].as_str().unwrap());
    if token.is_dir() {
        note(token, "polls");
        return json!({"state": "pending", "token": token, "retry_after_ms": 20});
    }
    let folder = token.parent().unwrap();
    let key = token.file_name().unwrap_or_default().to_string_lossy();
    note(folder, &format!("asked-{key}"));
    if !folder.join("go").exists() && note(folder, "polls") < 5 {
        return json!({"state": "pending", "token": token, "retry_after_ms": 20});
    }
    let Ok(bundle) = std::fs::read(token) else {
        let error = json!({"kind": "unknown_token", "message": "what?", "transient": false});
        return json!({"state": "error", "error": error});
    };
    let (dag, _) = own.take_call("test", &bundle).unwrap();
    let sum = ints(&dag).iter().sum();
    done(dag, sum, false)
}

/// Calls `sum` of the arguments in its own DAG, and returns one more.
fn nested(mut dag: Draft, repository: &Repository, folder: &Path, request: &Json) -> Json {
    let partial = request["repository"].is_string();
    let executor = executor(
        repository,
        Setup {
            shares_repository: partial,
            ..Setup::default()
        },
    );
    let mut ancestors: Vec<_> = request["ancestors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap().parse().unwrap())
        .collect();
    ancestors.push(request["key"].as_str().unwrap().parse().unwrap());
    let options = CallOptions {
        ancestors,
        ..CallOptions::default()
    };
    let args = ints(&dag);
    // With a negative argument it calls itself.
    let name = if args[0] < 0 { "nested" } else { "sum" };
    let nodes = put_call(&mut dag, folder, name, &args);
    let node = match executor.call(&mut dag, &nodes, &options, &()) {
        Ok(node) => node,
        Err(error) => {
            let error = json!({"kind": "nested", "message": error.to_string(), "transient": false});
            return json!({"state": "error", "error": error});
        }
    };
    let (bundle, id) = dag.end_as_bundle(Ok(node), partial).unwrap();
    answer(&bundle, &id.to_string())
}

/// What no adapter should do.
fn misbehave(name: &str, mut dag: Draft, out: &mut File) -> Json {
    let node = dag.put(Value::from(1)).unwrap();
    match name {
        "crash" => {
            eprintln!("out of luck");
            std::process::exit(3)
        }
        "kill" => {
            std::process::abort();
        }
        "silent" => {
            std::thread::sleep(Duration::from_secs(1000));
            Json::Null
        }
        "with-child" => {
            let mut child = std::process::Command::new("sleep");
            child.arg("1003.25").status().unwrap();
            Json::Null
        }
        "close" => {
            // SAFETY: it is open, and not used after.
            drop(unsafe { File::from_raw_fd(3) });
            std::thread::sleep(Duration::from_secs(1000));
            Json::Null
        }
        "garbage" => {
            writeln!(out, "Hello! I am an adapter.").unwrap();
            Json::Null
        }
        "binary" => {
            out.write_all(b"\xff\xfe\x00\n").unwrap();
            Json::Null
        }
        "half-line" => {
            out.write_all(b"{\"id\":1,\"state\":").unwrap();
            std::process::exit(0)
        }
        "deep" => {
            writeln!(out, "{}", "[".repeat(100_000)).unwrap();
            Json::Null
        }
        "wrong-id" => json!({"id": 77, "state": "pending", "token": "x"}),
        "error" => {
            eprintln!("a line of the log");
            let error = json!({"kind": "broken", "message": "never works", "transient": false});
            json!({"state": "error", "error": error})
        }
        "chatty" => {
            for _ in 0..20_000 {
                eprintln!("{}", "x".repeat(99));
            }
            eprintln!("the end");
            std::process::exit(1)
        }
        "other-call" => {
            let other = dag
                .repository()
                .begin_call("test", vec![Value::from(7)])
                .unwrap();
            done(other, 7, false)
        }
        "no-call" => {
            let mut other = dag.repository().new_dag("x", "").unwrap();
            let node = other.put(Value::from(7)).unwrap();
            let made = other.commit(node).unwrap().dag;
            let (mut bundle, snapshot) = (Vec::new(), dag.repository().snapshot().unwrap());
            create(&snapshot, &[made.into()], &[], &mut bundle).unwrap();
            answer(&bundle, &made.to_string())
        }
        "flip" | "cut" | "wrong-dag" | "empty" => {
            let (mut bundle, id) = dag.end_as_bundle(Ok(node), false).unwrap();
            let middle = bundle.len() / 2;
            let mut id = id.to_string();
            match name {
                "flip" => bundle[middle] ^= 1,
                "cut" => bundle.truncate(middle),
                "empty" => bundle.clear(),
                _ => id = "ab".repeat(32),
            }
            answer(&bundle, &id)
        }
        other => panic!("no function {other}"),
    }
}
