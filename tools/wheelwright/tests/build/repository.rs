//! `wheelwright.toml`: packages that fit together, and those that do not.

use tempfile::TempDir;
use wheelwright::build::plan::Plan;
use wheelwright::project::workspace::{self, Workspace};

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
fn the_usual_platforms_are_those_of_a_table_that_names_none() {
    let folder = repository(&[("engine", "1.2.0", "")]);
    write(
        folder.path(),
        "wheelwright.toml",
        "packages = [\"engine\"]\n",
    );
    let named = Workspace::read(folder.path()).unwrap().platforms;
    std::fs::remove_file(folder.path().join("wheelwright.toml")).unwrap();
    let without = Workspace::read(&folder.path().join("engine")).unwrap();
    assert_eq!(named, without.platforms);
    assert_eq!(named.len(), 7);
}

#[test]
fn a_package_apart_is_planned_only_by_its_name() {
    let folder = repository(&[("engine", "1.2.0", "")]);
    let path = folder.path().join("wheelwright.toml");
    let table = std::fs::read_to_string(&path).unwrap();
    write(
        folder.path(),
        "wheelwright.toml",
        &format!("apart = [\"tool\"]\n{table}"),
    );
    let tool = "[project]\nname = \"tool\"\nversion = \"1.2.0\"\n";
    write(folder.path(), "tool/pyproject.toml", tool);
    let workspace = Workspace::read(folder.path()).unwrap();
    let plan = |names: &[String]| Plan::new(&workspace, names, &workspace.platforms).unwrap();
    let packages = |plan: &Plan<'_>| -> Vec<String> {
        let projects = plan.projects().into_iter();
        projects.map(|project| project.name.to_string()).collect()
    };
    assert_eq!(packages(&plan(&[])), ["engine"]);
    assert_eq!(packages(&plan(&["tool".to_owned()])), ["tool"]);
    // What the repository makes at all is nothing unexpected in its folder.
    assert_eq!(plan(&[]).whole.len(), 5);
    // It has the version of the others.
    let older = tool.replace("1.2.0", "1.1.0");
    write(folder.path(), "tool/pyproject.toml", &older);
    let error = Workspace::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("engine has 1.2.0"), "{error}");
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
    write(
        folder.path(),
        "engine/pyproject.toml",
        "[project]\nname = \"engine\"\n",
    );
    let error = read().to_string();
    assert!(
        error.contains("project.version: is missing; write one"),
        "{error}"
    );
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

/// A repository of the package `engine` with these platforms and rows.
fn with_rows(platforms: &str, rows: &str) -> TempDir {
    let folder = repository(&[("engine", "1.2.0", "")]);
    let text = format!("packages = [\"engine\"]\nplatforms = [{platforms}]\n{rows}");
    write(folder.path(), "wheelwright.toml", &text);
    folder
}

const OLDEST: &str = "[[platform]]\nname = \"oldest\"\nwheel-tag = \"manylinux_2_17_x86_64\"\n\
    rust-target = \"x86_64-unknown-linux-gnu\"\nzig-target = \"x86_64-linux-gnu.2.17\"\n\
    library = \"lib{}.so\"\n";

#[test]
fn rows_of_the_repository_are_platforms_too() {
    let folder = with_rows("\"oldest\", \"linux-s390x\"", OLDEST);
    let workspace = Workspace::read(folder.path()).unwrap();
    let plan = Plan::new(&workspace, &[], &workspace.platforms).unwrap();
    assert_eq!(
        plan.whole,
        [
            "engine-1.2.0-cp39-abi3-manylinux_2_17_x86_64.whl",
            "engine-1.2.0-cp39-abi3-manylinux_2_28_s390x.whl",
            "engine-1.2.0.tar.gz",
        ]
    );
    // A row in the place of wheelwright's own: the name is kept, the rest is the repository's.
    let replaced = OLDEST.replace("oldest", "linux-x86_64");
    let folder = with_rows("\"linux-x86_64\"", &replaced);
    let workspace = Workspace::read(folder.path()).unwrap();
    assert_eq!(workspace.platforms[0].wheel_tag, "manylinux_2_17_x86_64");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
fn the_host_is_what_the_repository_builds_for_this_machine() {
    let names = |platforms: &str| -> Vec<String> {
        let folder = with_rows(platforms, OLDEST);
        let host = Workspace::read(folder.path()).unwrap().host().unwrap();
        host.iter().map(|platform| platform.name.clone()).collect()
    };
    assert_eq!(names("\"oldest\", \"linux-i686\""), ["oldest"]);
    assert_eq!(names("\"oldest\", \"linux-x86_64\"").len(), 2);
    assert_eq!(names("\"macos-arm64\""), ["linux-x86_64"]);
}

#[test]
fn mistakes_in_rows_name_the_line_and_the_key() {
    for (platforms, rows, wanted) in [
        (
            "\"oldest\"",
            OLDEST.replace("gnu.2.17", "gnu.2.31"),
            "wheelwright.toml:7: platform.zig-target: \"x86_64-linux-gnu.2.31\" needs glibc 2.31",
        ),
        (
            "\"oldest\"",
            OLDEST.replace("zig-target", "zigtarget"),
            "there is no key platform.zigtarget; did you mean `zig-target`?",
        ),
        (
            "\"oldest\"",
            OLDEST.replace("library = \"lib{}.so\"\n", ""),
            "missing field `library`",
        ),
        (
            "\"oldest\"",
            format!("{OLDEST}{OLDEST}"),
            "wheelwright.toml:10: platform.name: another row is called \"oldest\"",
        ),
        (
            "\"oldest\", \"older\"",
            format!("{OLDEST}{}", OLDEST.replace("oldest", "older")),
            "wheelwright.toml:2: platforms: \"older\" and \"oldest\" make wheels of one name",
        ),
        (
            "\"linux-x86_64\", \"linux-x86_64\"",
            String::new(),
            "make wheels of one name",
        ),
        ("\"windows\"", OLDEST.to_owned(), "musllinux-armv7l, oldest"),
    ] {
        let error = Workspace::read(with_rows(platforms, &rows).path());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn a_package_without_pyproject_toml_is_one_of_setuptools() {
    let folder = tempfile::tempdir().unwrap();
    let root = |path: &str| workspace::root(&folder.path().join(path)).unwrap();
    write(folder.path(), "one/setup.py", "");
    write(folder.path(), "one/package/__init__.py", "");
    let one = folder.path().join("one");
    assert_eq!(root("one"), one);
    assert_eq!(root("one/package"), one);
    assert!(workspace::is_of_a_backend(&one));
    assert_eq!(workspace::settings(&one).unwrap().packages, ["."]);
    // A module may be called so, too; but who says the folder means it.
    write(folder.path(), "one/pyproject.toml", "");
    write(folder.path(), "one/package/setup.py", "");
    write(folder.path(), "one/package/deep/__init__.py", "");
    assert_eq!(root("one/package/deep"), one);
    assert_eq!(root("one/package"), one.join("package"));
}
