//! Settings of the user and of the repository.

use daggerml::config::{Config, Scope};
use daggerml::{Error, Repository};

// One test: the user's folder is named by an environment variable of the process.
#[test]
fn settings() {
    let folder = tempfile::tempdir().unwrap();
    let user = folder.path().join("user");
    // SAFETY: the only test of this process, and no other thread reads the environment.
    unsafe {
        std::env::set_var("DML_CONFIG_DIR", &user);
        std::env::remove_var("DML_AUTHOR");
        std::env::set_var("USER", "system");
    }
    let repository = Repository::init(&folder.path().join("repo")).unwrap();
    let root = Some(repository.root());
    assert_eq!(repository.author().unwrap(), "system");

    let mut config = Config::of(root).unwrap();
    config.set(Scope::User, "user.name", "Ada").unwrap();
    assert_eq!(repository.author().unwrap(), "Ada");
    let file = repository.root().join(".dml/config.toml");
    let text = "# mine\n[future]\nkey = 1 # kept\n\n[user]\nname = \"Bob\" # me\n";
    std::fs::write(&file, text).unwrap();
    assert_eq!(repository.author().unwrap(), "Bob");

    let mut config = Config::of(root).unwrap();
    config
        .set(Scope::User, "adapters.allow", "dask, slurm")
        .unwrap();
    for key in ["adapters.allow", "adapter.dask.command"] {
        let error = config.set(Scope::Repository, key, "dask").unwrap_err();
        assert!(error.to_string().contains("set it with --user"), "{error}");
    }
    config
        .set(Scope::Repository, "adapter.dask.processes", "4")
        .unwrap();
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.starts_with(text), "{written}");
    let config = Config::of(root).unwrap();
    assert_eq!(
        config.get_list("adapters.allow").unwrap(),
        ["dask", "slurm"]
    );
    let mut config = config;
    for added in [true, false] {
        assert_eq!(
            config.add(Scope::User, "adapters.allow", "more").unwrap(),
            added
        );
    }
    assert_eq!(
        config.get_list("adapters.allow").unwrap(),
        ["dask", "slurm", "more"]
    );
    assert!(config.add(Scope::User, "user.name", "more").is_err());
    let keys: Vec<_> = config
        .list()
        .into_iter()
        .map(|s| (s.key, s.scope.as_str()))
        .collect();
    assert_eq!(
        keys.iter()
            .map(|(key, scope)| (key.as_str(), *scope))
            .collect::<Vec<_>>(),
        [
            ("adapter.dask.processes", "repository"),
            ("adapters.allow", "user"),
            ("future.key", "repository"),
            ("user.name", "user"),
            ("user.name", "repository"),
        ]
    );
    assert!(config.unset(Scope::Repository, "user.name").unwrap());
    assert!(!config.unset(Scope::Repository, "user.name").unwrap());
    assert_eq!(repository.author().unwrap(), "Ada");

    let error = config.set(Scope::User, "user.nmae", "x").unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean user.name?");
    for key in ["", "name", "a..b", "a.b c", "[a].b"] {
        assert!(config.get(key).is_err(), "{key:?}");
    }
    let remote = config.set(Scope::Repository, "remote.team.fliter", "x");
    let hint = remote.unwrap_err().hint().unwrap();
    assert_eq!(hint, "did you mean remote.team.filter?");
    for bad in ["[user", "user = 1\nuser = 2", "\u{0}"] {
        std::fs::write(&file, bad).unwrap();
        let error = repository.author().unwrap_err();
        assert!(matches!(*error, Error::Config { .. }), "{error}");
        assert!(error.hint().unwrap().contains("editor"), "{error}");
    }
    // A filter that somebody wrote into the file.
    std::fs::write(&file, "remote.team.filter = \"trees\"").unwrap();
    let error = repository.remote_filter("team").unwrap_err();
    assert!(error.to_string().contains("remote.team.filter"), "{error}");
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        Config::of(root).map_err(|error| *error),
        Err(Error::Config { .. })
    ));
}
