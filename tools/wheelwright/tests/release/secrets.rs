//! No password or token is printed, whatever goes wrong.

use std::net::TcpListener;

use crate::repository::{Repository, wheelwright};

const SECRET: &str = "hunter22-and-more";

/// An address where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    format!("http://me:{SECRET}@127.0.0.1:{port}/simple/?token={SECRET}")
}

#[test]
fn an_index_that_does_not_answer() {
    let repository = Repository::new();
    let address = nowhere();
    for action in ["status", "verify", "stage"] {
        let mut command = wheelwright(&repository.path("."));
        command
            .args([
                "release",
                action,
                "--plan",
                "plan.json",
                "--attempts",
                "2",
                "--pause",
                "1",
            ])
            .env("WHEELWRIGHT_INDEX", &address);
        if action == "stage" {
            command.args(["--out", "stage"]);
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!output.status.success());
        assert!(
            said.contains("does not answer") && said.contains("tried 2 times"),
            "{said}"
        );
        assert!(
            said.contains("127.0.0.1") && !said.contains(SECRET),
            "{said}"
        );
    }
}

#[test]
fn an_address_that_cannot_be_used_and_the_help() {
    let repository = Repository::new();
    for address in [
        format!("https://me:{SECRET}@ho st/"),
        format!("ftp://me:{SECRET}@host/"),
        SECRET.to_owned(),
    ] {
        for arguments in [
            ["release", "status", "--plan", "plan.json"].as_slice(),
            &["release", "status", "--help"],
        ] {
            let output = wheelwright(&repository.path("."))
                .args(arguments)
                .env("WHEELWRIGHT_INDEX", &address)
                .output()
                .unwrap();
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!said.is_empty() && !said.contains(SECRET), "{said}");
        }
    }
}
