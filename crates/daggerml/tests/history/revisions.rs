//! What revisions stand for.

use daggerml::Error;
use daggerml::error::ErrorKind;
use daggerml::repo::revision::Resolved;

use super::{put, repository};

#[test]
fn revisions() {
    let (_folder, repository) = repository();
    assert!(repository.resolve("HEAD").is_err());
    let first = put(&repository, "dir/a", 1);
    let second = put(&repository, "b", 2);
    let third = put(&repository, "dir", 3);
    repository.create_tag("v1", first).unwrap();
    repository.create_branch("dev", second).unwrap();
    let short = &second.to_string()[..9];
    for (text, wanted) in [
        ("HEAD", third),
        ("@", third),
        ("main", third),
        ("heads/main", third),
        ("main~1", second),
        ("main^", second),
        ("HEAD~2", first),
        ("@^^", first),
        ("main^0", third),
        ("main^{commit}", third),
        ("@v1", first),
        ("tags/v1", first),
        ("v1", first),
        ("dev~1^{commit}", first),
        (short, second),
        (&short.to_uppercase(), second),
    ] {
        assert_eq!(repository.commit_at(text).unwrap(), wanted, "{text}");
    }
    let tree = repository.commit(third).unwrap().tree;
    assert_eq!(
        repository.resolve("HEAD^{tree}").unwrap(),
        Resolved::Tree(tree)
    );
    let dag = repository.find_dag("dir/a").unwrap();
    assert_eq!(
        repository.resolve("HEAD:dir/a").unwrap(),
        Resolved::Dag(dag)
    );
    assert_eq!(repository.resolve(":dir/a").unwrap(), Resolved::Dag(dag));
    assert_eq!(repository.dag_at("dir/a").unwrap(), dag);
    let node = repository.view(dag).unwrap().named("value").unwrap();
    let found = Resolved::Node {
        dag: Some(dag),
        node,
    };
    assert_eq!(repository.resolve("HEAD~1:dir/a/value").unwrap(), found);
    assert_eq!(repository.resolve(&format!("{dag}:value")).unwrap(), found);
    assert_eq!(
        repository.resolve(&format!("{tree}:dir/a/value")).unwrap(),
        found
    );
    let other = repository.find_dag("dir").unwrap();
    assert!(matches!(
        repository.resolve("HEAD:dir/value").unwrap(),
        Resolved::Node { dag: Some(dag), .. } if dag == other
    ));
    assert_eq!(repository.node_at("dir/a").unwrap(), (Some(dag), node));

    for (text, hint) in [
        ("mian", "did you mean main?"),
        ("@v2", "did you mean @v1?"),
        ("b", "did you mean HEAD:b?"),
        ("HEAD:dir/aa", "did you mean dir/a?"),
        ("HEAD:b/valeu", "did you mean value?"),
    ] {
        let error = repository.resolve(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{text}");
        assert_eq!(error.hint().unwrap(), hint, "{text}");
    }
    for (text, kind) in [
        ("main~9", ErrorKind::NotFound),
        ("main^2", ErrorKind::NotFound),
        ("HEAD:b~1", ErrorKind::NotFound),
        ("main^{dag}", ErrorKind::Invalid),
        ("ffffff", ErrorKind::NotFound),
        ("fffff", ErrorKind::NotFound),
    ] {
        assert_eq!(repository.resolve(text).unwrap_err().kind(), kind, "{text}");
    }
    repository.create_branch("v1", third).unwrap();
    let error = repository.resolve("v1").unwrap_err();
    assert!(matches!(*error, Error::AmbiguousRevision { .. }), "{error}");
    assert_eq!(repository.commit_at("tags/v1").unwrap(), first);
}
