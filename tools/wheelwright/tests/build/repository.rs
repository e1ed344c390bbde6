//! `wheelwright.toml`: packages that fit together, and those that do not.

use tempfile::TempDir;
use wheelwright::build::plan::Plan;
use wheelwright::project::workspace::Workspace;

use crate::project::write;

fn repository(packages: &[(&str, &str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let list: Vec<String> = packages
        .iter()
        .map(|(name, _, _)| format!("{name:?}"))
        .collect();
    let table = format!(
        "packages = [{}]\nplatforms = [\"linux-x86_64\", \"macos-arm64\"]\n",
        list.join(", ")
    );
    write(folder.path(), "wheelwright.toml", &table);
    for (name, version, needs) in packages {
        let mut text = format!(
            "[project]\nname = {name:?}\nversion = {version:?}\ndependencies = [{needs}]\n"
        );
        if *name == "engine" {
            text.push_str(
                "[tool.maturin]\nmodule-name = \"engine._core\"\n\
                 [tool.wheelwright]\npython-tag = \"cp39\"\nabi-tag = \"abi3\"\n",
            );
        }
        write(folder.path(), &format!("{name}/pyproject.toml"), &text);
    }
    folder
}

fn problem(packages: &[(&str, &str, &str)]) -> String {
    Workspace::read(repository(packages).path())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_plan_names_every_artifact_in_publish_order() {
    let folder = repository(&[
        ("engine", "1.2.0", ""),
        ("tool", "1.2.0", "\"engine>=1.2.0,<1.3\""),
    ]);
    let workspace = Workspace::find(&folder.path().join("tool")).unwrap();
    let plan = Plan::new(&workspace, &[], &workspace.platforms).unwrap();
    let names: Vec<String> = plan
        .items
        .iter()
        .map(wheelwright::build::plan::Item::file_name)
        .collect();
    assert_eq!(
        names,
        [
            "engine-1.2.0-cp39-abi3-manylinux_2_28_x86_64.whl",
            "engine-1.2.0-cp39-abi3-macosx_11_0_arm64.whl",
            "engine-1.2.0.tar.gz",
            "tool-1.2.0-py3-none-any.whl",
            "tool-1.2.0.tar.gz",
        ]
    );
    assert_eq!(plan.native().len(), 1);
    let only = Plan::new(&workspace, &["tool".to_owned()], &workspace.platforms).unwrap();
    assert_eq!((only.items.len(), only.whole.len()), (2, 5));
    let error = Plan::new(&workspace, &["tol".to_owned()], &workspace.platforms).unwrap_err();
    assert!(
        error.contains("\"tol\"") && error.contains("engine, tool"),
        "{error}"
    );
}

#[test]
fn packages_that_do_not_fit_together_are_refused() {
    let order = problem(&[
        ("tool", "1.2.0", "\"engine>=1.2.0\""),
        ("engine", "1.2.0", ""),
    ]);
    assert!(order.contains("engine must come before tool"), "{order}");
    let versions = problem(&[("engine", "1.2.0", ""), ("tool", "1.2.1", "")]);
    assert!(
        versions.contains("is 1.2.1, but engine has 1.2.0"),
        "{versions}"
    );
    let range = problem(&[("engine", "1.2.0", ""), ("tool", "1.2.0", "\"engine<1.2\"")]);
    assert!(range.contains("does not accept engine 1.2.0"), "{range}");
    let free = problem(&[("engine", "1.2.0", ""), ("tool", "1.2.0", "\"engine\"")]);
    assert!(free.contains("does not accept"), "{free}");
}

#[test]
fn mistakes_name_the_file_and_the_field() {
    let folder = repository(&[("engine", "1.2.0", "")]);
    let read = || Workspace::read(folder.path()).unwrap_err();
    write(
        folder.path(),
        "wheelwright.toml",
        "packages = [\"engine\"]\nplatforms = [\"amiga\"]\n",
    );
    let error = read().to_string();
    assert!(
        error.contains("wheelwright.toml") && error.contains("amiga"),
        "{error}"
    );
    write(
        folder.path(),
        "wheelwright.toml",
        "packages = [\"gone\"]\nplatforms = []\n",
    );
    assert!(read().to_string().contains("gone"));
    write(
        folder.path(),
        "wheelwright.toml",
        "packages = [\"engine\"]\nplatforms = []\n",
    );
    write(
        folder.path(),
        "engine/pyproject.toml",
        "[project]\nname = \"engine\"\ndynamic = [\"version\"]\nversion = \"1\"\n",
    );
    let error = read().to_string();
    assert!(
        error.contains("engine/pyproject.toml:3: project.dynamic"),
        "{error}"
    );
    write(
        folder.path(),
        "engine/pyproject.toml",
        "[project]\nname = \"engine\"\nversion = \"one\"\n",
    );
    assert!(read().to_string().contains("toml:3: project.version"));
    for (file, text, wanted) in [
        (
            "engine/pyproject.toml",
            "[project]\nname = \"engine\"\nversion = \"1\"\ncolour = 1\n",
            "engine/pyproject.toml:4: there is no key project.colour",
        ),
        (
            "wheelwright.toml",
            "packages = []\nplatforms = []\n[release]\nchange-log = \"x\"\n",
            "wheelwright.toml:4: there is no key release.change-log; did you mean `changelog`?",
        ),
        (
            "wheelwright.toml",
            "packages = []\nplatforms = [\n  \"linux-x86_64\",\n  \"amiga\",\n]\n",
            "wheelwright.toml:4: platforms",
        ),
        (
            "wheelwright.toml",
            "packages = \"engine\"\nplatforms = []\n",
            "wheelwright.toml:1: packages: invalid type: string",
        ),
    ] {
        write(folder.path(), file, text);
        let error = read().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
