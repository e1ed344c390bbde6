//! What attackers can do to statements, keys, files and indexes.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use wheelwright_artifacts::digest::Digest;

use super::{RELEASE, SDIST, Scene, WHEEL, statement};
use crate::hostile_index::Server;

#[test]
fn one_rebuilder_lies_or_one_file_was_swapped() {
    let scene = Scene::new();
    scene.forge("cyd", "cyd", "statements/cyd.rebuild.json", |statement| {
        statement.files.insert(WHEEL.to_owned(), "c".repeat(64));
    });
    let said = scene.verify(1, &["--lock", "lock.txt"]);
    assert!(
        said.contains("DISAGREEMENT: cyd made cccccccccccccccc"),
        "{said}"
    );
    let lock = scene.repository.read("lock.txt");
    let sdist = Digest::of_file(&scene.path("dist").join(SDIST))
        .unwrap()
        .hex();
    assert_eq!(lock.matches("--hash").count(), 1, "{lock}");
    assert!(lock.contains(&sdist), "{lock}");
    // Whoever is known to be wrong is revoked; the others still agree.
    scene.exits(
        0,
        &["trust", "revoke", "cyd", "--reason", "built from elsewhere"],
    );
    let said = scene.verify(0, &[]);
    assert!(
        said.contains("the key of cyd is revoked: built from elsewhere"),
        "{said}"
    );

    let scene = Scene::new();
    scene
        .repository
        .write(&format!("dist/{WHEEL}"), "another wheel");
    let said = scene.verify(1, &[]);
    assert!(said.contains("DISAGREEMENT: ada made"), "{said}");
    let sarif: serde_json::Value = serde_json::from_str(&scene.verify(1, &["--sarif"])).unwrap();
    assert_eq!(
        sarif["runs"][0]["results"][0]["ruleId"],
        "rebuild-disagreement"
    );
}

#[test]
fn the_publisher_must_be_the_expected_one() {
    let scene = Scene::new();
    let trust = scene.repository.read("trust.toml");
    let expected = "\n[package.engine]\npublisher = { identity = \"https://github.com/a/b/.github/\
        workflows/c.yml\", issuer = \"https://token.actions.githubusercontent.com\" }\n";
    scene.repository.write("trust.toml", &(trust + expected));
    // Enough rebuilders agree, and nobody says who published.
    let said = scene.verify(2, &[]);
    assert!(
        said.contains("TOO FEW (3 of 2): no attestation that https://github.com/a/b"),
        "{said}"
    );
    // A real attestation, of another file by others.
    let real = include_str!("../../../src/verify/attestation/real.provenance.json");
    scene
        .repository
        .write(&format!("dist/{WHEEL}.provenance"), real);
    let said = scene.verify(1, &[]);
    assert!(
        said.contains("DISAGREEMENT: its attestation is wrong"),
        "{said}"
    );
    scene
        .repository
        .write(&format!("dist/{WHEEL}.provenance"), "[]");
    let said = scene.verify(1, &[]);
    assert!(said.contains("attestations cannot be read"), "{said}");
    scene.repository.write("root.json", "{}");
    let said = scene.exits(2, &["verify", "dist", "--sigstore-root", "root.json"]);
    assert!(said.contains("trusted root cannot be used"), "{said}");
}

#[test]
fn an_old_statement_is_shown_again() {
    let scene = Scene::new();
    // Once, ada made other bytes, and has a newer statement since.
    scene.forge("ada", "ada", "statements/older.rebuild.json", |statement| {
        statement.predicate.time = "2020-01-01T00:00:00Z".parse().unwrap();
        statement.files.insert(WHEEL.to_owned(), "0".repeat(64));
    });
    scene.verify(0, &[]);
    // Alone, it is not taken for the newer one.
    std::fs::remove_file(scene.path("statements/ada.rebuild.json")).unwrap();
    scene.verify(1, &[]);
    let trust = scene.repository.read("trust.toml");
    scene
        .repository
        .write("trust.toml", &format!("max-age-days = 30\n{trust}"));
    let said = scene.verify(0, &[]);
    assert!(said.contains("longer ago than max-age-days"), "{said}");
    // A statement about another version says nothing about this one.
    for name in ["bob", "cyd"] {
        scene.forge(name, name, &statement(name), |made| {
            made.files = [("engine-1.1.0.tar.gz".to_owned(), "0".repeat(64))].into();
        });
    }
    scene.verify(2, &[]);
}

#[test]
fn keys_that_do_not_count() {
    let scene = Scene::new();
    let list = scene.exits(0, &["trust", "list"]);
    assert_eq!(list.matches("  good").count(), 3, "{list}");
    let fingerprint = list.lines().find(|line| line.starts_with("ada")).unwrap();
    let fingerprint = fingerprint.split_whitespace().nth(1).unwrap();
    scene.exits(0, &["trust", "revoke", fingerprint, "--reason", "lost"]);
    scene.exits(2, &["trust", "revoke", fingerprint, "--reason", "again"]);
    let said = scene.verify(0, &[]);
    assert!(said.contains("the key of ada is revoked: lost"), "{said}");
    let trust = scene.repository.read("trust.toml");
    let expired = trust.replacen(
        "name = \"bob\"\n",
        "name = \"bob\"\nexpires = \"2020-01-01\"\n",
        1,
    );
    scene.repository.write("trust.toml", &expired);
    let said = scene.verify(2, &[]);
    assert!(
        said.contains("the key of bob expired on 2020-01-01"),
        "{said}"
    );
    let list = scene.exits(0, &["trust", "list"]);
    assert!(
        list.contains("expired on 2020-01-01") && list.contains("revoked: lost"),
        "{list}"
    );

    // One key cannot be two rebuilders; another kind of key, or one with a passphrase, is
    // none; a file that is wrong is left as it is.
    scene.exits(2, &["trust", "add", "eve", "ada.pub"]);
    scene.keygen(&["-q", "-t", "ecdsa", "-N", "", "-f", "curve"], "");
    let said = scene.exits(2, &["trust", "add", "eve", "curve.pub"]);
    assert!(said.contains("not an Ed25519 public key"), "{said}");
    scene.keygen(
        &["-q", "-t", "ed25519", "-N", "secret words", "-f", "locked"],
        "",
    );
    let said = scene.exits(2, &["attest", "--key", "locked"]);
    assert!(
        said.contains("passphrase") && !said.contains("secret words"),
        "{said}"
    );
    assert_eq!(scene.repository.read("trust.toml"), expired);
    // A stranger's statement changes nothing.
    scene.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "eve"], "");
    scene.attest("eve");
    let said = scene.verify(2, &[]);
    assert!(said.contains("no trusted key has signed it"), "{said}");
}

/// An index that serves `dist`, with what `change` makes of each answer.
fn index(dist: &Path, change: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let dist = Arc::new(dist.to_owned());
    Server::new(move |stream: &mut TcpStream, request: &str| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        let body = if path == "/simple/engine/" {
            let link = |file: &str| format!("<a href=\"/files/{file}\">{file}</a>\n");
            (link(WHEEL) + &link(SDIST)).into_bytes()
        } else {
            std::fs::read(dist.join(file)).unwrap_or_default()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = [head.into_bytes(), body].concat();
        let _ = stream.write_all(&change(path, answer));
    })
}

#[test]
fn an_index_is_not_believed() {
    let scene = Scene::new();
    let dist = scene.path("dist");
    let verify = |code: i32, server: &Server| {
        let address = server.url("simple/");
        let from = [
            "verify",
            RELEASE,
            "--index",
            &address,
            "--statements",
            "statements",
        ];
        scene.exits(code, &from)
    };
    verify(0, &index(&dist, |_, answer| answer));

    let swapped = index(&dist, |path, answer| {
        let mut answer = answer;
        if path.ends_with(WHEEL) {
            *answer.last_mut().unwrap() ^= 1;
        }
        answer
    });
    let said = verify(1, &swapped);
    assert!(said.contains("DISAGREEMENT: ada made"), "{said}");

    let cut_off = index(&dist, |path, mut answer| {
        if path.ends_with(WHEEL) {
            answer.truncate(answer.len() - 10);
        }
        answer
    });
    let said = verify(3, &cut_off);
    assert!(said.contains("UNAVAILABLE"), "{said}");

    let listed_wrongly = index(&dist, |path, answer| {
        if !path.ends_with("/engine/") {
            return answer;
        }
        let body = format!(
            "<a href='/files/{WHEEL}#sha256={}'>{WHEEL}</a>",
            "0".repeat(64)
        );
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}").into_bytes()
    });
    let said = verify(1, &listed_wrongly);
    assert!(
        said.contains("the index says that its SHA-256 is 000"),
        "{said}"
    );

    let leads_out = index(&dist, |path, answer| {
        if !path.ends_with("/engine/") {
            return answer;
        }
        let names = [
            "../../engine-1.2.0.tar.gz",
            "/etc/engine-1.2.0.tar.gz",
            "engine-1.2.0/x.whl",
        ];
        let body: String = names
            .map(|name| format!("<a href='/files/x'>{name}</a>"))
            .concat();
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}").into_bytes()
    });
    let said = verify(3, &leads_out);
    assert!(said.contains("has no file of this release"), "{said}");

    let leads_elsewhere = index(&dist, |_, _| {
        b"HTTP/1.1 302 Found\r\nLocation: /simple/engine/\r\nContent-Length: 0\r\n\r\n".to_vec()
    });
    let said = verify(3, &leads_elsewhere);
    assert!(said.contains("redirect"), "{said}");

    let endless = Server::new(|stream: &mut TcpStream, _: &str| {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
        while sent.is_ok() {
            sent = stream.write_all(&[b'x'; 1 << 12]);
        }
    });
    let said = verify(3, &endless);
    assert!(said.contains("longer than"), "{said}");
    // Statements come from addresses, too, and are as little believed.
    let address = endless.url("ada.rebuild.json");
    let from = [
        "verify",
        RELEASE,
        "--folder",
        "dist",
        "--statements",
        &address,
    ];
    let said = scene.exits(2, &from);
    assert!(said.contains("has more than 4194304 bytes"), "{said}");
    let served = index(&scene.path("statements"), |_, answer| answer);
    let addresses = ["ada", "bob"].map(|name| served.url(&format!("{name}.rebuild.json")));
    let from = [
        "verify",
        RELEASE,
        "--folder",
        "dist",
        "--statements",
        &addresses[0],
    ];
    scene.exits(0, &[&from[..], &["--statements", &addresses[1]]].concat());
}
