//! Statements that are right: verdicts, locks, other programs' opinions, what is installed.

use std::path::Path;

use wheelwright_artifacts::digest::Digest;

use super::{RELEASE, SDIST, Scene, WHEEL};

#[test]
fn enough_rebuilders_agree() {
    let scene = Scene::new();
    let said = scene.verify(0, &["--lock", "lock.txt"]);
    assert!(said.contains("ada, bob, cyd"), "{said}");
    assert!(
        said.contains("enough rebuilders agree on every file (3 statements"),
        "{said}"
    );
    let lock = scene.repository.read("lock.txt");
    let digest = |file: &str| {
        Digest::of_file(&scene.path("dist").join(file))
            .unwrap()
            .hex()
    };
    assert!(
        lock.contains(&format!(
            "engine==1.2.0 \\\n    --hash=sha256:{} \\\n    --hash=sha256:{}\n",
            digest(WHEEL),
            digest(SDIST)
        )),
        "{lock}"
    );
    let json: serde_json::Value = serde_json::from_str(&scene.verify(0, &["--json"])).unwrap();
    assert_eq!(json["releases"][0]["files"][0]["verdict"], "agreed");
    let sarif: serde_json::Value = serde_json::from_str(&scene.verify(0, &["--sarif"])).unwrap();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));

    let said = scene.verify(2, &["--threshold", "4"]);
    assert!(said.contains("TOO FEW (3 of 4)"), "{said}");
    scene.exits(3, &["verify", "engine==1.2.1", "--folder", "dist"]);
    scene.exits(3, &["verify", "motor==1", "--folder", "dist"]);
    for wrong in [
        &["verify", "engine", "--folder", "dist"],
        &["verify", RELEASE, "--folder", "none"],
    ] {
        scene.exits(2, wrong);
    }
    // A file that nobody built is no part of what was agreed on.
    let more = "engine-1.2.0-cp39-abi3-win_amd64.whl";
    scene.repository.write(&format!("dist/{more}"), "x");
    let said = scene.verify(2, &[]);
    assert!(
        said.contains("TOO FEW (0 of 2)") && said.contains("nobody"),
        "{said}"
    );
}

#[test]
fn a_folder_or_a_plan_names_the_releases() {
    let scene = Scene::new();
    let judge = ["verify", "dist", "--threshold", "2", "--statements"];
    let said = scene.exits(0, &[&judge[..], &["statements"]].concat());
    assert!(said.contains("engine 1.2.0: 2 files"), "{said}");
    // The statements of a folder may lie in it.
    std::fs::copy(
        scene.path("statements/ada.rebuild.json"),
        scene.path("dist/ada.rebuild.json"),
    )
    .unwrap();
    let said = scene.exits(2, &["verify", "dist"]);
    assert!(said.contains("TOO FEW (1 of 2)"), "{said}");
    scene.exits(0, &["release", "plan", "--host", "--out", "plan.json"]);
    let plan = ["verify", "--plan", "plan.json", "--folder", "dist"];
    scene.exits(0, &[&plan[..], &["--statements", "statements"]].concat());
    std::fs::create_dir(scene.path("empty")).unwrap();
    let said = scene.exits(2, &["verify", "empty"]);
    assert!(said.contains("no wheel and no sdist"), "{said}");
    scene.repository.write("empty/nothing.whl", "x");
    let said = scene.exits(2, &["verify", "empty"]);
    assert!(said.contains("\"nothing.whl\" is not the name"), "{said}");
}

#[test]
fn a_key_comes_from_a_variable_or_is_missing_by_name() {
    let scene = Scene::new();
    let attest = |key: &str| {
        let made = [
            "attest",
            "--key-variable",
            "REBUILD_KEY",
            "--builder",
            "nix",
        ];
        let mut command = crate::repository::wheelwright(&scene.path("."));
        command.args(made).args(["--out", "new/nix.rebuild.json"]);
        command.env("REBUILD_KEY", key).output().unwrap()
    };
    let skipped = attest("");
    let said = String::from_utf8(skipped.stdout).unwrap();
    assert!(skipped.status.success(), "{said}");
    assert_eq!(
        said,
        "skipped: no statement of nix, since REBUILD_KEY holds no key\n"
    );
    assert!(!scene.path("new").exists());
    assert_eq!(attest("no key").status.code(), Some(2));
    // A secret without its last line end.
    assert!(
        attest(scene.repository.read("bob").trim_end())
            .status
            .success()
    );
    let said = scene.exits(2, &["verify", "dist", "--statements", "new"]);
    assert!(
        said.contains("bob") && said.contains("TOO FEW (1 of 2)"),
        "{said}"
    );
}

#[test]
fn a_repository_of_ours_is_rebuilt_by_its_own_build() {
    let scene = Scene::new();
    let rebuild = [
        "rebuild",
        RELEASE,
        "--folder",
        "dist",
        "--source",
        ".",
        "--run-code",
    ];
    let sign = ["--attest", "own.rebuild.json", "--key", "cyd"];
    let said = scene.exits(0, &[&rebuild[..], &sign].concat());
    for file in [WHEEL, SDIST] {
        assert!(said.contains(&format!("identical   {file}")), "{said}");
    }
    let judge = ["verify", RELEASE, "--folder", "dist", "--statements"];
    let both = [
        "own.rebuild.json",
        "--statements",
        "statements/ada.rebuild.json",
    ];
    scene.exits(0, &[&judge[..], &both].concat());
    let old = [
        "rebuild",
        "engine==1.1",
        "--folder",
        "dist",
        "--source",
        ".",
        "--run-code",
    ];
    scene.exits(3, &old);
    scene
        .repository
        .write("engine/src/engine/__init__.py", "x = 2\n");
    let said = scene.exits(2, &rebuild);
    assert!(said.contains("not committed"), "{said}");
    scene.repository.commit();
    let said = scene.exits(1, &rebuild);
    assert!(
        said.contains("engine/__init__.py: line 1: \"x = 1\" / \"x = 2\""),
        "{said}"
    );
}

#[test]
fn ssh_keygen_checks_a_statement() {
    let scene = Scene::new();
    let line = scene.repository.read("ada.pub");
    scene
        .repository
        .write("signers", &format!("ada@example.org {line}"));
    let envelope = scene.repository.read("statements/ada.rebuild.json");
    let checks = |envelope: &str, namespace: &str| {
        let signature = "statements/ada.rebuild.json.sig";
        let who = ["-Y", "verify", "-f", "signers", "-I", "ada@example.org"];
        let what = ["-n", namespace, "-s", signature];
        scene
            .keygen(&[&who[..], &what[..]].concat(), envelope)
            .status
            .success()
    };
    assert!(checks(&envelope, "wheelwright-rebuild"));
    assert!(!checks(
        &envelope.replace("e30", "e31").replacen('A', "B", 1),
        "wheelwright-rebuild"
    ));
    assert!(!checks(&envelope, "file"));
    // The key id is what `ssh-keygen -l` prints.
    let printed = scene.keygen(&["-l", "-f", "ada.pub"], "").stdout;
    let printed = String::from_utf8(printed).unwrap();
    let fingerprint = printed.split(' ').nth(1).unwrap();
    assert!(
        envelope.contains(&format!("\"keyid\":\"{fingerprint}\"")),
        "{envelope}"
    );
}

#[test]
fn a_commit_that_was_not_built_is_not_attested() {
    let scene = Scene::new();
    scene
        .repository
        .write("engine/src/engine/__init__.py", "x = 2\n");
    let said = scene.exits(2, &["attest", "--key", "ada"]);
    assert!(
        said.contains("not committed") && said.contains("__init__.py"),
        "{said}"
    );
    let said = scene.exits(2, &["attest", "--key", "ada", "statements"]);
    assert!(said.contains("no artifact"), "{said}");
}

#[test]
fn what_is_installed_is_compared() {
    let scene = Scene::new();
    let place = scene.path("site-packages");
    let wheel = std::fs::read(scene.path("dist").join(WHEEL)).unwrap();
    let artifact = wheelwright_artifacts::artifact::Artifact::from_bytes(
        Path::new(WHEEL),
        wheel,
        wheelwright_artifacts::artifact::Limits::default(),
    )
    .unwrap();
    let archive = &artifact.archive;
    for number in 0..archive.len() {
        let path = place.join(archive.path(number));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, archive.content(number).unwrap()).unwrap();
    }
    let folder = place.display().to_string();
    let verify = |code: i32| {
        let from = [
            "verify",
            "engine",
            "--folder",
            "dist",
            "--statements",
            "statements",
        ];
        scene.exits(code, &[&from[..], &["--installed", &folder]].concat())
    };
    let said = verify(0);
    assert!(
        said.contains(&format!("installed: every file is as in {WHEEL}")),
        "{said}"
    );
    let init = "site-packages/engine/__init__.py";
    let good = scene.repository.read(init);
    scene.repository.write(init, "import os\n");
    let said = verify(1);
    assert!(
        said.contains("engine/__init__.py: has other bytes"),
        "{said}"
    );
    scene.repository.write(init, &good);
    let record = "site-packages/engine-1.2.0.dist-info/RECORD";
    let rows = scene.repository.read(record);
    let own = "engine-1.2.0.dist-info/INSTALLER,,\nengine/__pycache__/a.pyc,,\n../../bin/x,,\n";
    scene.repository.write(record, &format!("{rows}{own}"));
    verify(0);
    scene
        .repository
        .write(record, &format!("{rows}engine/more.py,,\n"));
    let said = verify(1);
    assert!(
        said.contains("engine/more.py: is not in the wheel"),
        "{said}"
    );
    let from = [
        "verify",
        "motor",
        "--folder",
        "dist",
        "--installed",
        &folder,
    ];
    scene.exits(2, &from);
}
