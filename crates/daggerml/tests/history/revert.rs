//! Reverting.

use std::collections::BTreeMap;

use daggerml::Error;
use daggerml::history::{Choice, RevertOptions};
use daggerml::name::Name;

use super::{get, names, put, repository};

#[test]
fn reverting() {
    let (_folder, repository) = repository();
    let first = put(&repository, "a", 1);
    let second = put(&repository, "a", 2);
    put(&repository, "b", 3);
    repository
        .revert(second, &RevertOptions::default())
        .unwrap();
    assert_eq!(get(&repository, "a"), 1.into());
    assert_eq!(get(&repository, "b"), 3.into());
    assert!(
        repository
            .revert(second, &RevertOptions::default())
            .is_err()
    );
    repository.revert(first, &RevertOptions::default()).unwrap();
    assert_eq!(names(&repository), ["b"]);
    let changed = put(&repository, "b", 4);
    put(&repository, "b", 5);
    let error = repository
        .revert(changed, &RevertOptions::default())
        .unwrap_err();
    assert!(matches!(
        *error,
        Error::Conflicts {
            action: "revert",
            ..
        }
    ));
    for (choice, value) in [(Choice::Ours, 5), (Choice::Theirs, 3)] {
        let options = RevertOptions {
            choices: BTreeMap::from([(Name::new("b").unwrap(), choice)]),
            ..RevertOptions::default()
        };
        // Ours is what is there already.
        let done = repository.revert(changed, &options);
        assert_eq!(done.is_ok(), value == 3);
        assert_eq!(get(&repository, "b"), value.into());
    }
}
