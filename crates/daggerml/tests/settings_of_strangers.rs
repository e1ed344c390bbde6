//! What a repository's settings can say: nothing that names a program, a place outside
//! of the repository or a secret, since a repository may come from anybody.

use daggerml::config::{Config, KEYS, KeyType, Scope};
use daggerml::execution::{AdapterCommand, AdapterName, AdapterRegistry};
use daggerml::{Error, Repository};

/// What each setting can do in the hands of a stranger. A new setting needs a line.
const VERDICTS: &[(&str, bool, &str)] = &[
    (
        "user.name",
        true,
        "whom the commits made there are said to be by",
    ),
    ("adapters.allow", false, "which programs run"),
    ("safe.directories", false, "which repositories are used"),
    (
        "remotes.trusted",
        false,
        "whose results of calls are taken for true",
    ),
    (
        "remote.x.url",
        true,
        "where a push goes when the user pushes; it cannot name a program",
    ),
    (
        "remote.x.calls",
        true,
        "whether results are shared, with remotes that the user trusts",
    ),
    ("adapter.x.command", false, "which program runs"),
    ("adapter.x.processes", true, "how many processes stay warm"),
    (
        "adapter.x.address",
        false,
        "unknown: an adapter's own, which may be anything",
    ),
    ("adapter.x.y.command", false, "the same"),
    ("helpers.allow", false, "which programs reach remotes"),
    ("helper.s3.command", false, "which program runs"),
    ("helper.ssh.dml", false, "which program runs elsewhere"),
];

// One test: the user's folder is named by an environment variable of the process.
#[test]
fn every_setting_has_a_verdict_that_holds() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: the only test of this process, and no other thread reads the environment.
    unsafe { std::env::set_var("DML_CONFIG_DIR", folder.path().join("user")) };
    let repository = Repository::init(&folder.path().join("repo")).unwrap();
    let root = Some(repository.root());
    for info in KEYS {
        assert!(
            VERDICTS.iter().any(|(key, ..)| *key == info.key),
            "{} needs a verdict: what can a stranger do with it?",
            info.key
        );
        assert!(info.key_type == KeyType::List || !info.about.contains("folders"));
    }
    // All of them at once, past `dml config`, which refuses.
    let file = repository.root().join(".dml/config.toml");
    let text = "user.name = 'evil'\nadapters.allow = ['evil']\nsafe.directories = ['*']\n\
                [adapter.x]\ncommand = ['evil']\nprocesses = 7\naddress = 'evil'\n\
                y.command = ['evil']\n[remote.x]\nurl = 'evil'\ncalls = 'evil'\n\
                [remotes]\ntrusted = ['evil']\n";
    std::fs::write(&file, text).unwrap();
    let config = Config::of(root).unwrap();
    for (key, counts, what) in VERDICTS {
        let found = config.get(key).unwrap();
        assert_eq!(found.is_some(), *counts, "{key}: {what}");
        assert_eq!(!config.get_list(key).unwrap().is_empty(), *counts, "{key}");
        let listed = config.list().iter().any(|setting| setting.key == *key);
        assert_eq!(listed, *counts, "{key}");
        let value = if *key == "remote.x.calls" {
            "read"
        } else {
            "1"
        };
        let set = Config::of(root).unwrap().set(Scope::Repository, key, value);
        match set {
            Ok(()) => assert!(counts, "{key}"),
            Err(error) => assert!(!counts && error.to_string().contains("--user"), "{error}"),
        }
        std::fs::write(&file, text).unwrap();
    }
    // Nothing of it becomes a program.
    let mut registry = AdapterRegistry::default();
    let name = AdapterName::new("x").unwrap();
    registry.add(name, AdapterCommand::new("mine"));
    registry.add_from(&config).unwrap();
    let (_, command) = registry.find("x").unwrap();
    assert_eq!(
        (command.program.to_str(), command.args.len()),
        (Some("mine"), 0)
    );
    assert_eq!(command.processes, 7);
    assert!(registry.find("evil").is_err());
    // Nor does it fill the memory.
    std::fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
    let error = Config::of(root).unwrap_err();
    assert!(matches!(*error, Error::Unsafe { .. }), "{error}");
}
