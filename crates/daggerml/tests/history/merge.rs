//! Merging: fast-forwards, conflicts, choices.

use daggerml::Error;
use daggerml::history::{Choice, FastForward, Favor, Merge, MergeOptions};

use super::{get, grown_apart, names, put};

#[test]
fn merges() {
    let (_folder, repository, theirs) = grown_apart();
    let base = repository.commit_at("main~1").unwrap();
    assert_eq!(
        repository
            .merge_base(repository.commit_at("main").unwrap(), theirs)
            .unwrap(),
        Some(base)
    );
    let only = MergeOptions {
        fast_forward: FastForward::Only,
        ..MergeOptions::default()
    };
    assert!(repository.merge(theirs, &only).is_err());
    assert!(matches!(
        repository.merge(theirs, &MergeOptions::default()).unwrap(),
        Merge::Merged(_)
    ));
    assert_eq!(names(&repository), ["both", "ours", "theirs"]);
    assert_eq!(get(&repository, "both"), 2.into());
    assert_eq!(
        repository.merge(theirs, &MergeOptions::default()).unwrap(),
        Merge::UpToDate
    );
    let merged = repository.head().unwrap().unwrap();
    repository.checkout("other").unwrap();
    assert_eq!(
        repository.merge(merged, &only).unwrap(),
        Merge::FastForward(merged)
    );
}

#[test]
fn conflicts_wait_for_choices() {
    let (_folder, repository, theirs) = grown_apart();
    put(&repository, "both", 1);
    let Merge::Conflicts(conflicts) = repository.merge(theirs, &MergeOptions::default()).unwrap()
    else {
        unreachable!()
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(conflicts[0].name.as_str(), "both");
    assert_eq!(get(&repository, "both"), 1.into());
    assert!(repository.checkout("other").is_err());
    let error = repository.merge_continue().unwrap_err();
    assert!(matches!(*error, Error::Conflicts { .. }));
    assert!(error.hint().is_some());
    assert!(repository.resolve_conflict("ours", Choice::Ours).is_err());

    // Another commit meanwhile does no harm.
    put(&repository, "meanwhile", 3);
    let dag = repository.find_dag("meanwhile").unwrap();
    for choice in [
        Choice::Theirs,
        Choice::Removed,
        Choice::Dag(dag),
        Choice::Ours,
        Choice::Dag(dag),
    ] {
        repository.resolve_conflict("both", choice).unwrap();
        let state = repository.merge_state().unwrap().unwrap();
        assert_eq!(state.conflicts[0].choice, Some(choice));
    }
    let commit = repository.merge_continue().unwrap();
    assert_eq!(repository.commit(commit).unwrap().parents.len(), 2);
    assert_eq!(get(&repository, "both"), 3.into());
    assert_eq!(names(&repository), ["both", "meanwhile", "ours", "theirs"]);
    assert_eq!(repository.merge_state().unwrap(), None);
    assert!(repository.merge_abort().is_err());
}

#[test]
fn merges_can_be_given_up_or_favour_a_side() {
    let (_folder, repository, theirs) = grown_apart();
    let ours = put(&repository, "both", 1);
    repository.merge(theirs, &MergeOptions::default()).unwrap();
    repository.merge_abort().unwrap();
    assert_eq!(repository.head().unwrap(), Some(ours));
    let favor = MergeOptions {
        favor: Favor::Theirs,
        ..MergeOptions::default()
    };
    assert!(matches!(
        repository.merge(theirs, &favor).unwrap(),
        Merge::Merged(_)
    ));
    assert_eq!(get(&repository, "both"), 2.into());
}
