//! Drafts: batches, crashes, two handles, and what happens after the end.

mod support;

use daggerml::Error;
use daggerml::error::ErrorKind;
use daggerml::record::{Builtin, ErrorInfo, Node, Outcome};
use daggerml::value::{Set, Value};
use support::stores::repository;

fn ints(numbers: &[i64]) -> Value {
    Value::List(numbers.iter().map(|&n| n.into()).collect())
}

#[test]
fn nothing_is_registered_before_the_first_flush() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put(1.into()).unwrap();
    assert!(repository.drafts().unwrap().is_empty());
    dag.flush().unwrap();
    let listed = repository.drafts().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].id, listed[0].nodes), (dag.id(), 1));
    dag.commit(node).unwrap();
    assert!(repository.drafts().unwrap().is_empty());
}

#[test]
fn a_dag_survives_up_to_its_last_flush() {
    let (_folder, repository) = repository();
    let id = {
        let mut dag = repository.new_dag("survivor", "m").unwrap();
        let a = dag.put("a".into()).unwrap();
        dag.set_name("a", a).unwrap();
        dag.add_tag("t").unwrap();
        dag.flush().unwrap();
        let b = dag.put("b".into()).unwrap();
        dag.set_name("a", b).unwrap();
        dag.flush().unwrap();
        dag.put("lost".into()).unwrap();
        dag.id()
    };
    let short = &id.to_string()[..8];
    let found = repository.find_draft(short).unwrap();
    assert_eq!((found.id, found.name.as_str()), (id, "survivor"));
    let mut dag = repository.resume(id).unwrap();
    assert_eq!(dag.len(), 2);
    let node = dag.named("a").unwrap();
    assert_eq!(dag.value(node).unwrap(), "b".into());
    assert_eq!(dag.tags().len(), 1);
    dag.put("c".into()).unwrap();
    let made = dag.commit(node).unwrap();
    assert_eq!(repository.view(made.dag).unwrap().len(), 3);
    assert!(repository.drafts().unwrap().is_empty());
}

#[test]
fn the_newest_handle_wins() {
    let (_folder, repository) = repository();
    let mut first = repository.new_dag("x", "").unwrap();
    let node = first.put(1.into()).unwrap();
    first.flush().unwrap();
    let mut second = repository.resume(first.id()).unwrap();
    first.put(2.into()).unwrap();
    assert_eq!(first.flush().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(first.commit(node).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(second.len(), 1);
    second.commit(node).unwrap();
}

#[test]
fn an_ended_dag_is_closed() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put(1.into()).unwrap();
    dag.commit(node).unwrap();
    for error in [
        dag.commit(node).unwrap_err(),
        dag.put(2.into()).unwrap_err(),
        dag.flush().unwrap_err(),
        dag.set_name("x", node).unwrap_err(),
        dag.discard().unwrap_err(),
        dag.builtin(Builtin::List, &[]).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
    assert_eq!(dag.value(node).unwrap(), 1.into());
}

#[test]
fn discarding() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put(1.into()).unwrap();
    dag.flush().unwrap();
    repository.discard(dag.id()).unwrap();
    assert_eq!(dag.commit(node).unwrap_err().kind(), ErrorKind::Closed);
    assert!(matches!(
        repository.discard(dag.id()).map_err(|error| *error),
        Err(Error::NotFound { .. })
    ));
    let mut other = repository.new_dag("y", "").unwrap();
    other.flush().unwrap();
    other.discard().unwrap();
    assert!(repository.drafts().unwrap().is_empty());
}

#[test]
fn frozen_dags_refuse_changes_wherever_they_are_resumed() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let node = dag.put(1.into()).unwrap();
    dag.freeze("look at this").unwrap();
    assert!(dag.put(2.into()).is_err());
    assert!(dag.commit(node).is_err());
    assert_eq!(repository.drafts().unwrap()[0].note, "look at this");
    let mut dag = repository.resume(dag.id()).unwrap();
    assert!(dag.put(2.into()).is_err());
    dag.unfreeze().unwrap();
    dag.put(2.into()).unwrap();
    dag.commit(node).unwrap();
}

#[test]
fn large_dags_flush_by_themselves() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let mut last = None;
    for number in 0..40_000i64 {
        last = Some(dag.put(number.into()).unwrap());
    }
    let flushed = repository.drafts().unwrap()[0].nodes;
    assert!((32_000..40_000).contains(&flushed), "{flushed}");
    let made = dag.commit(last.unwrap()).unwrap();
    let view = repository.view(made.dag).unwrap();
    assert_eq!(view.len(), 40_000);
    assert_eq!(view.value(view.nodes()[12_345]).unwrap(), 12_345.into());
}

#[test]
fn collections_are_made_of_nodes() {
    let (_folder, repository) = repository();
    let mut dag = repository.new_dag("x", "").unwrap();
    let a = dag.put("a".into()).unwrap();
    let n = dag.put(1.into()).unwrap();
    let list = dag.builtin(Builtin::List, &[a, n, a]).unwrap();
    let set = dag.builtin(Builtin::Set, &[a, n, a]).unwrap();
    let map = dag.builtin(Builtin::Map, &[a, n]).unwrap();
    let got = dag.builtin(Builtin::Get, &[map, a]).unwrap();
    assert_eq!(
        dag.value(list).unwrap(),
        vec!["a".into(), 1.into(), "a".into()].into()
    );
    let both = Set::new(vec![1.into(), "a".into()]).unwrap();
    assert_eq!(dag.value(set).unwrap(), Value::Set(both));
    assert_eq!(dag.value(got).unwrap(), 1.into());
    assert_eq!(dag.value_type(map).unwrap(), "map");
    let other = repository.new_dag("y", "").unwrap().put(5.into()).unwrap();
    assert!(dag.builtin(Builtin::List, &[other]).is_err());
}

#[test]
fn imports_calls_and_their_trace() {
    let (_folder, repository) = repository();
    let mut source = repository.new_dag("source", "").unwrap();
    let xs = source.put(ints(&[1, 2])).unwrap();
    source.set_name("xs", xs).unwrap();
    let at = source.put(0.into()).unwrap();
    let first = source.builtin(Builtin::Get, &[xs, at]).unwrap();
    let source = source.commit(first).unwrap().dag;

    let mut call = repository.begin_call("f", vec![1.into()]).unwrap();
    let argv = call.argv().unwrap();
    assert_eq!(call.value(argv).unwrap(), ints(&[1]));
    assert!(call.commit(argv).is_err());
    let (called, ()) = call.end_call(Outcome::Result(0), |_, _| Ok(())).unwrap();

    let mut dag = repository.new_dag("user", "").unwrap();
    let imported = dag.import(source, None).unwrap();
    let all = dag.import(source, Some(xs)).unwrap();
    assert_eq!(dag.value(all).unwrap(), ints(&[1, 2]));
    let f = dag.put("f".into()).unwrap();
    let result = dag.record_call(&[f, imported], called).unwrap();
    let made = dag.commit(result).unwrap();

    let view = repository.view(made.dag).unwrap();
    let origin = view.context(imported).unwrap().unwrap();
    assert_eq!((origin.dag.id(), origin.node), (source, Some(first)));
    let origin = view.context(result).unwrap().unwrap();
    assert_eq!((origin.dag.id(), origin.node), (called, Some(argv)));
    assert!(view.context(f).unwrap().is_none());

    let steps = view.trace(result).unwrap();
    let order: Vec<_> = steps.iter().map(|step| (step.dag, step.id)).collect();
    let here = made.dag;
    assert_eq!(
        order,
        [
            (here, f),
            (source, xs),
            (source, at),
            (source, first),
            (here, imported),
            (called, argv),
            (here, result)
        ]
    );
    assert!(matches!(steps[6].node, Node::Call { .. }));
}

#[test]
fn failures_are_kept_and_raised() {
    let (_folder, repository) = repository();
    let info = ErrorInfo {
        origin: "python".into(),
        kind: "ValueError".into(),
        message: "no".into(),
        stack: vec![],
    };
    let mut bad = repository.new_dag("bad", "").unwrap();
    bad.put(1.into()).unwrap();
    let bad = bad.fail(info.clone()).unwrap().dag;
    assert_eq!(repository.view(bad).unwrap().error(), Some(&info));
    let mut dag = repository.new_dag("x", "").unwrap();
    let error = dag.import(bad, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    let f = dag.put("f".into()).unwrap();
    let node = dag.record_call(&[f], bad).unwrap();
    match *dag.value(node).unwrap_err() {
        Error::Failed {
            dag,
            node: at,
            info: found,
            transient: false,
        } => assert_eq!((dag, at, *found), (bad, Some(node), info)),
        other => panic!("{other}"),
    }
}

#[test]
fn all_of_it_in_memory() {
    support::stores::all_in_memory();
}
