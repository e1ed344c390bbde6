//! Random histories agree with a simple model that keeps every state whole.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use daggerml::Repository;
use daggerml::history::{Favor, HistoryOptions, Merge, MergeOptions, RebaseOptions, RevertOptions};
use daggerml::id::{CommitId, DagId};
use daggerml::name::Name;
use proptest::prelude::*;
use support::stores::repository;

type Names = BTreeMap<Name, DagId>;

/// Every commit's parents and names; where the branches are is asked of neither.
#[derive(Default)]
struct Model {
    commits: BTreeMap<CommitId, (Vec<CommitId>, Names)>,
    branches: BTreeMap<u8, CommitId>,
    current: u8,
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, i64),
    Delete(u8),
    Rename(u8, u8),
    Switch(u8),
    Merge(u8, bool),
    Rebase(u8, bool),
    Revert(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..6u8, 0..4i64).prop_map(|(name, value)| Step::Put(name, value)),
        1 => (0..6u8).prop_map(Step::Delete),
        1 => (0..6u8, 0..6u8).prop_map(|(old, new)| Step::Rename(old, new)),
        3 => (0..3u8).prop_map(Step::Switch),
        2 => (0..3u8, any::<bool>()).prop_map(|(other, ours)| Step::Merge(other, ours)),
        1 => (0..3u8, any::<bool>()).prop_map(|(onto, ours)| Step::Rebase(onto, ours)),
        1 => (0..4usize, any::<bool>()).prop_map(|(back, ours)| Step::Revert(back, ours)),
    ]
}

fn dag_name(number: u8) -> Name {
    Name::new(&format!("dag-{number}")).unwrap()
}

fn favor(ours: bool) -> Favor {
    if ours { Favor::Ours } else { Favor::Theirs }
}

fn join(base: &Names, ours: &Names, theirs: &Names, favor_ours: bool) -> Names {
    let all: BTreeSet<_> = base
        .keys()
        .chain(ours.keys())
        .chain(theirs.keys())
        .collect();
    all.into_iter()
        .filter_map(|name| {
            let (b, o, t) = (base.get(name), ours.get(name), theirs.get(name));
            let chosen = if t == b || (o != b && favor_ours) {
                o
            } else {
                t
            };
            Some((name.clone(), *chosen?))
        })
        .collect()
}

impl Model {
    fn head(&self) -> Option<CommitId> {
        self.branches.get(&self.current).copied()
    }

    fn names(&self, commit: Option<CommitId>) -> Names {
        commit.map_or_else(Names::new, |id| self.commits[&id].1.clone())
    }

    fn history(&self, of: CommitId) -> BTreeSet<CommitId> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![of];
        while let Some(id) = waiting.pop() {
            if found.insert(id) {
                waiting.extend(&self.commits[&id].0);
            }
        }
        found
    }

    fn record(&mut self, id: CommitId, parents: Vec<CommitId>, names: Names) {
        self.commits.insert(id, (parents, names));
        self.branches.insert(self.current, id);
    }

    /// Common ancestors that come before no other one.
    fn bases(&self, a: CommitId, b: CommitId) -> BTreeSet<CommitId> {
        let common: BTreeSet<_> = &self.history(a) & &self.history(b);
        let below: BTreeSet<_> = common
            .iter()
            .flat_map(|id| {
                self.history(*id)
                    .into_iter()
                    .filter(move |other| other != id)
            })
            .collect();
        &common - &below
    }
}

fn apply(repository: &Repository, model: &mut Model, step: &Step) {
    let head = model.head();
    let mut names = model.names(head);
    match *step {
        Step::Put(name, value) => {
            let name = dag_name(name);
            let mut dag = repository.new_dag(name.as_str(), "put").unwrap();
            let node = dag.put(value.into()).unwrap();
            let made = dag.commit(node).unwrap();
            names.insert(name, made.dag);
            model.record(made.commit, head.into_iter().collect(), names);
        }
        Step::Delete(name) => {
            let name = dag_name(name);
            let done = repository.delete_dags(&[name.as_str()], None);
            assert_eq!(done.is_ok(), names.remove(&name).is_some());
            if let Ok(id) = done {
                model.record(id, head.into_iter().collect(), names);
            }
        }
        Step::Rename(old, new) => {
            let (old, new) = (dag_name(old), dag_name(new));
            let done = repository.rename_dag(old.as_str(), new.as_str(), false, None);
            assert_eq!(
                done.is_ok(),
                names.contains_key(&old) && !names.contains_key(&new)
            );
            if let Ok(id) = done {
                let dag = names.remove(&old).unwrap();
                names.insert(new, dag);
                model.record(id, head.into_iter().collect(), names);
            }
        }
        Step::Switch(branch) => {
            let Some(head) = head else { return };
            let name = format!("b{branch}");
            if let std::collections::btree_map::Entry::Vacant(place) = model.branches.entry(branch)
            {
                repository.create_branch(&name, head).unwrap();
                place.insert(head);
            }
            repository.checkout(&name).unwrap();
            model.current = branch;
        }
        Step::Merge(other, ours) => merge(repository, model, other, ours),
        Step::Rebase(onto, ours) => rebase(repository, model, onto, ours),
        Step::Revert(back, ours) => {
            let Some(head) = head else { return };
            let Ok(target) = repository.commit_at(&format!("HEAD~{back}")) else {
                return;
            };
            let options = RevertOptions {
                mainline: Some(1),
                favor: favor(ours),
                message: None,
                ..RevertOptions::default()
            };
            let (parents, after) = model.commits[&target].clone();
            let done = repository.revert(target, &options);
            // Only a root has no parent to go back to.
            let Some(before) = parents.first() else {
                assert!(done.is_err());
                return;
            };
            let wanted = join(&after, &names, &model.names(Some(*before)), ours);
            assert_eq!(done.is_ok(), wanted != names);
            if let Ok(id) = done {
                model.record(id, vec![head], wanted);
            }
        }
    }
}

fn merge(repository: &Repository, model: &mut Model, other: u8, ours: bool) {
    let (Some(head), Some(theirs)) = (model.head(), model.branches.get(&other).copied()) else {
        return;
    };
    let options = MergeOptions {
        favor: favor(ours),
        ..MergeOptions::default()
    };
    match repository.merge(theirs, &options).unwrap() {
        Merge::UpToDate => assert!(model.history(head).contains(&theirs)),
        Merge::FastForward(id) => {
            assert!(id == theirs && model.history(theirs).contains(&head));
            model.branches.insert(model.current, theirs);
        }
        Merge::Merged(id) => {
            let bases = model.bases(head, theirs);
            let base = repository.merge_base(head, theirs).unwrap();
            assert!(base.map_or(bases.is_empty(), |base| bases.contains(&base)));
            let (base, o, t) = (
                model.names(base),
                model.names(Some(head)),
                model.names(Some(theirs)),
            );
            model.record(id, vec![head, theirs], join(&base, &o, &t, ours));
        }
        Merge::Conflicts(_) => unreachable!("a side is favoured"),
    }
}

fn rebase(repository: &Repository, model: &mut Model, onto: u8, ours: bool) {
    let (Some(head), Some(onto)) = (model.head(), model.branches.get(&onto).copied()) else {
        return;
    };
    let mut missing: Vec<_> = (&model.history(head) - &model.history(onto))
        .into_iter()
        .collect();
    let linear = missing.iter().all(|id| model.commits[id].0.len() < 2);
    let done = repository
        .rebase(
            onto,
            &RebaseOptions {
                favor: favor(ours),
                ..RebaseOptions::default()
            },
        )
        .unwrap();
    if linear && model.history(head).contains(&onto) {
        assert_eq!(done.new, head);
        return;
    }
    missing.sort_by_key(|id| (repository.commit(*id).unwrap().time, *id));
    let mut names = model.names(Some(onto));
    let mut states = Vec::new();
    for id in missing {
        let (parents, after) = &model.commits[&id];
        if parents.len() < 2 {
            let next = join(&model.names(parents.first().copied()), &names, after, ours);
            if next != names {
                names = next;
                states.push(names.clone());
            }
        }
    }
    assert_eq!(done.replayed, states.len());
    let mut at = done.new;
    for names in states.into_iter().rev() {
        let parents = repository.commit(at).unwrap().parents;
        model.commits.insert(at, (parents.clone(), names));
        at = parents[0];
    }
    assert_eq!(at, onto);
    model.branches.insert(model.current, done.new);
}

fn compare(repository: &Repository, model: &Model) {
    let head = model.head();
    assert_eq!(repository.head().unwrap(), head);
    let names = model.names(head);
    assert_eq!(repository.dag_count().unwrap(), names.len() as u64);
    assert_eq!(repository.dags().unwrap(), names);
    let Some(head) = head else { return };
    let options = HistoryOptions {
        include: vec![head],
        ..HistoryOptions::default()
    };
    let log: Vec<_> = repository
        .log(options)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let ids: BTreeSet<_> = log.iter().map(|entry| entry.id).collect();
    assert_eq!((ids.len(), ids), (log.len(), model.history(head)));
    for (at, entry) in log.iter().enumerate() {
        let later = &log[at + 1..];
        assert!(
            entry
                .commit
                .parents
                .iter()
                .all(|p| later.iter().any(|e| e.id == *p))
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn histories_agree_with_the_model(steps in prop::collection::vec(step(), 1..40)) {
        let (_folder, repository) = repository();
        repository.checkout_new("b0", None).unwrap();
        let mut model = Model::default();
        for step in &steps {
            apply(&repository, &mut model, step);
            compare(&repository, &model);
        }
    }
}

#[test]
fn all_of_it_in_memory() {
    support::stores::all_in_memory();
}
