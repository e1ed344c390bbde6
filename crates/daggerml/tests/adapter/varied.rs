//! A small repository with something of everything.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::Path;

use daggerml::execution::CallOptions;
use daggerml::id::TypedId;
use daggerml::maintenance::excise::excise;
use daggerml::record::Builtin;
use daggerml::value::Value;

use crate::adapter::{Bench, Setup};
use crate::support::{clean, collect, copy_folder};

const DAGS: i64 = 60;

fn value(number: i64) -> Value {
    match number % 10 {
        // On overflow pages.
        3 => Value::Bytes(vec![7; usize::try_from(9000 + number).unwrap()]),
        7 => Value::String(format!("text {number} ").repeat(60)),
        _ => Value::List((0..=number % 7).map(|n| (n * number).into()).collect()),
    }
}

/// Makes it in the folder `root`; its tables have branch pages.
pub fn make(root: &Path) {
    let bench = Bench::new(Setup::default());
    let repository = &bench.repository;
    let mut last = None;
    for number in 0..DAGS {
        let mut dag = repository.new_dag(&format!("dag-{number}"), "m").unwrap();
        for extra in 0..4 {
            dag.put((number * 1000 + extra).into()).unwrap();
        }
        let node = dag.put(value(number)).unwrap();
        dag.set_name("node", node).unwrap();
        let result = match last {
            Some(before) if number % 4 == 0 => {
                let imported = dag.import(before, None).unwrap();
                dag.builtin(Builtin::List, &[node, imported]).unwrap()
            }
            _ => node,
        };
        last = Some(dag.commit(result).unwrap().dag);
        let head = repository.head().unwrap().unwrap();
        // Enough refs for several pages.
        for extra in 0..4 {
            let name = format!("{number}-{extra}-{}", "long-".repeat(9));
            repository.create_tag(&name, head).unwrap();
        }
        if number % 6 == 0 {
            let name = format!("branch-{number}");
            repository.create_branch(&name, head).unwrap();
        }
    }
    for number in 0..12 {
        bench
            .call("sum", &[number, 1], &CallOptions::default())
            .unwrap();
    }
    for number in 0..3 {
        bench
            .call("fail", &[number], &CallOptions::default())
            .unwrap();
    }
    for number in 0..30i64 {
        let mut open = repository.new_dag(&format!("open-{number}"), "").unwrap();
        for value in 0..=number {
            open.put((value * 31).into()).unwrap();
        }
        open.flush().unwrap();
        std::mem::forget(open);
    }
    let view = repository.load("dag-5").unwrap();
    let node = view.node(view.named("node").unwrap()).unwrap();
    excise(repository.store(), node.datum().unwrap().object(), "secret").unwrap();
    repository.delete_dags(&["dag-9", "dag-10"], None).unwrap();
    collect(repository.store());
    clean(repository.store());
    copy_folder(bench.folder.path(), root);
}
