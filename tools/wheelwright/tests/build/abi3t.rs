//! The stable interface for builds with and without a global interpreter lock (PEP 803).

use wheelwright::build::plan::Plan;
use wheelwright::pack::wheel::{self, Native};
use wheelwright::project::abi::{Abi, Interpreter};
use wheelwright::project::workspace::Workspace;

use crate::maturin::{BARE, CARGO, cpython, packed, read};
use crate::packer::members;

/// What a manifest asks of `PyO3` for both stable interfaces.
const BOTH: &str = "{ version = \"0.29\", features = [\"abi3-py311\", \"abi3t-py315\"] }";

#[test]
fn abi3t_is_for_every_cpython_from_3_15_on() {
    let cargo = CARGO.replace("\"0.29\"", BOTH);
    assert_ne!(cargo, CARGO, "the manifest has the feature");
    let range = BARE.replace(">=3.11,<3.14", ">=3.11");
    let with = |more: &str| read(&format!("{range}{more}"), &[("Cargo.toml", &cargo)]).unwrap();

    // As PyO3 has it: abi3t before abi3, and neither for 3.14t.
    let (_folder, mut project) = with("");
    assert_eq!(project.abis, [Abi::Stable(11), Abi::StableOfBoth(15)]);
    let asked = |name: &str| -> Interpreter { name.parse().unwrap() };
    project.choose(&["cp314t", "cp315t"].map(asked)).unwrap();
    assert_eq!(project.abis, [Abi::StableOfBoth(15), cpython("cp314t")]);
    let native = Native {
        extension: b"library",
        platform_tag: "win_amd64",
        abi: Abi::StableOfBoth(15),
    };
    let wheel = wheel::pack(&project, Some(native), &[]).unwrap();
    assert!(
        wheel.file_name.ends_with("-cp315-abi3.abi3t-win_amd64.whl"),
        "{}",
        wheel.file_name
    );
    let members = members(&wheel);
    let tags = members.iter().find(|(path, _)| path.ends_with("WHEEL"));
    let tags = String::from_utf8(tags.unwrap().1.clone()).unwrap();
    assert!(
        tags.ends_with("\nTag: cp315-abi3-win_amd64\nTag: cp315-abi3t-win_amd64\n"),
        "{tags}"
    );
    assert!(members.iter().any(|(path, _)| path == "fast/fast.pyd"));
    let (names, _) = packed(&project, Abi::StableOfBoth(15)).unwrap();
    assert!(
        names.contains(&"fast/fast.abi3t.so".to_owned()),
        "{names:?}"
    );

    // Beside stated tags, and for releases alone.
    let stated = "[tool.wheelwright]\npython-tag = \"cp311\"\nabi-tag = \"abi3\"\n\
                  interpreters = [\"cp314t\"]\nrelease-interpreters = [\"cp315t\"]\n";
    let (folder, project) = with(stated);
    let all = [Abi::Stated, cpython("cp314t"), Abi::StableOfBoth(15)];
    assert_eq!(project.abis, all);
    assert_eq!(project.of_releases, [Abi::StableOfBoth(15)]);
    let workspace = Workspace::read(folder.path()).unwrap();
    let mut plan = Plan::new(&workspace, &[], &workspace.platforms[..1]).unwrap();
    assert_eq!(plan.items.len(), 4);
    plan.leave_to_releases();
    assert_eq!(plan.items.len(), 3);
    assert!(plan.whole.iter().any(|name| name.contains("abi3.abi3t")));
}
