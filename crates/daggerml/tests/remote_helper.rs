//! Remotes behind helper programs: what is right comes through, and what is wrong is a
//! clear error. The helper is this test binary as a process of its own.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::os::fd::FromRawFd;
use std::path::Path;
use std::time::Duration;

use daggerml::error::RemoteError;
use daggerml::transfer::transport::{
    Address, Etag, Got, HelperCommand, Key, OpenOptions, Put, Swap, Transport, open, serve,
    set_helper_finder,
};
use daggerml::{Error, ErrorKind, Result};

/// Not a test: this process as the helper of a scheme, when [`find`] started it.
#[test]
fn helps() {
    if let Ok(scheme) = std::env::var("DML_TEST_HELPER") {
        let address = std::env::var("DML_TEST_ADDRESS").unwrap();
        let folder = address.split_once("://x").unwrap().1.to_owned();
        // SAFETY: the script of `find` opened it, and nothing else has it.
        let mut output = unsafe { File::from_raw_fd(3) };
        help(&scheme, Path::new(&folder), &mut output);
        std::process::exit(0);
    }
}

/// The scheme says how the helper behaves. The test harness writes to standard output, so
/// answers go to descriptor 3.
#[expect(clippy::unnecessary_wraps, reason = "it is a `Finder`")]
fn find(scheme: &str) -> Result<Option<HelperCommand>> {
    let script = format!(
        "export DML_TEST_HELPER={scheme} DML_TEST_ADDRESS=\"$1\"; \
         exec \"$0\" helps --exact --nocapture 3>&1 1>/dev/null"
    );
    Ok(Some(HelperCommand {
        program: "sh".into(),
        args: vec![
            "-c".into(),
            script.into(),
            std::env::current_exe().unwrap().into(),
        ],
    }))
}

#[expect(clippy::too_many_lines, reason = "a table of misbehaviour")]
fn help(scheme: &str, folder: &Path, output: &mut File) {
    let request = |output: &mut File| {
        let mut input = std::io::stdin().lock();
        let mut line = String::new();
        if input.read_line(&mut line).unwrap() == 0 {
            std::process::exit(0);
        }
        let request: serde_json::Value = serde_json::from_str(&line).unwrap();
        let mut body = vec![0; usize::try_from(request["body"].as_u64().unwrap_or(0)).unwrap()];
        input.read_exact(&mut body).unwrap();
        output.flush().unwrap();
        request
    };
    let greeting = "{\"helper\":\"x\",\"version\":\"1\",\"protocols\":[1]}\n";
    match scheme {
        "good" => {
            let address = Address::parse(folder.to_str().unwrap(), folder).unwrap();
            let place = open(&address, &OpenOptions::default()).unwrap();
            serve(&*place, false, &mut std::io::stdin().lock(), output).unwrap();
            return;
        }
        "silent" => return,
        "loud" => return writeln!(output, "Welcome to this machine!").unwrap(),
        "old" => return writeln!(output, "{{\"protocols\":[7]}}").unwrap(),
        "mute" => {
            request(output);
            std::thread::sleep(Duration::from_mins(10));
        }
        _ => {}
    }
    write!(output, "{greeting}").unwrap();
    if scheme == "reversed" {
        let ids: Vec<_> = (0..4).map(|_| request(output)).collect();
        for asked in ids.iter().rev() {
            let key = asked["key"].as_str().unwrap();
            let line = format!(
                "{{\"id\":{},\"state\":\"found\",\"etag\":\"e\",\"size\":{},\"body\":{}}}\n{key}",
                asked["id"],
                key.len(),
                key.len()
            );
            output.write_all(line.as_bytes()).unwrap();
        }
        request(output);
    }
    loop {
        let asked = request(output);
        let id = &asked["id"];
        let found = |etag: &str, size: u64, body: &str| {
            let length = body.len();
            format!(
                "{{\"id\":{id},\"state\":\"found\",\"etag\":{etag},\"size\":{size},\
                 \"body\":{length}}}\n{body}"
            )
        };
        let error = |kind: &str, text: &str| {
            format!(
                "{{\"id\":{id},\"state\":\"error\",\
                 \"error\":{{\"kind\":\"{kind}\",\"message\":\"{text}\"}}}}\n"
            )
        };
        let entries =
            |list: &str| format!("{{\"id\":{id},\"state\":\"entries\",\"entries\":[{list}]}}\n");
        let answer = match scheme {
            "dies" => {
                eprintln!("it was the {}", std::env::var("DML_TEST_SECRET").unwrap());
                std::process::exit(3);
            }
            "once" => {
                let mark = folder.join("mark");
                if !mark.exists() {
                    std::fs::write(mark, "").unwrap();
                    std::process::exit(1);
                }
                found("\"e\"", 2, "ok")
            }
            "hangs" => {
                std::thread::sleep(Duration::from_mins(10));
                return;
            }
            "garbage" => "?\n".to_owned(),
            "half" => "{\"id\":".to_owned(),
            "stranger" => "{\"id\":77,\"state\":\"missing\"}\n".to_owned(),
            "stateless" => format!("{{\"id\":{id}}}\n"),
            "other-state" => format!("{{\"id\":{id},\"state\":\"created\"}}\n"),
            "no-etag" => found("null", 2, "ok"),
            "bad-etag" => found("\"a\\nb\"", 2, "ok"),
            "short" => found("\"e\"", 3, "ok"),
            "long" => found("\"e\"", 1000, &"x".repeat(1000)),
            "huge" => format!("{{\"id\":{id},\"state\":\"found\",\"body\":99999999999}}\n"),
            "endless" => {
                while output.write_all(&[b'x'; 4096]).is_ok() {}
                return;
            }
            "bad-key" => entries("{\"key\":\"../x\",\"bytes\":1}"),
            "outside" => entries("{\"key\":\"b\",\"bytes\":1}"),
            "unordered" => entries("{\"key\":\"ab\",\"bytes\":1},{\"key\":\"aa\",\"bytes\":1}"),
            "nowhere" => error("missing", "no such bucket"),
            "denied" => error("denied", "not you, https://me:word@host/x"),
            "later" => error("unavailable", "not now"),
            "too-large" => error("too_large", "it is"),
            "faulty" => error("internal", "my fault"),
            "odd" => error("odd", "?"),
            other => panic!("no such helper: {other}"),
        };
        output.write_all(answer.as_bytes()).unwrap();
        if scheme == "half" {
            return;
        }
    }
}

fn reach(scheme: &str, folder: &Path, patience: Duration) -> Box<dyn Transport> {
    set_helper_finder(find);
    let address = format!("{scheme}://x{}", folder.display());
    let address = Address::parse(&address, folder).unwrap();
    open(&address, &OpenOptions { patience }).unwrap()
}

const PATIENCE: Duration = Duration::from_mins(1);

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

#[test]
fn the_six_verbs_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let place = reach("good", &folder.path().join("remote"), PATIENCE);
    let told = place.describe().unwrap();
    assert!(told.writable && told.ranges && told.address.starts_with("good://x"));
    let refs = key("refs");
    assert_eq!(place.get(&refs, None, None, 100).unwrap(), Got::Missing);
    let body: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    assert_eq!(place.put(&key("packs/a"), &body).unwrap(), Put::Created);
    assert_eq!(place.put(&key("packs/a"), b"x").unwrap(), Put::Exists);
    let Got::Found { bytes, size, .. } =
        place.get(&key("packs/a"), Some(10..20), None, 10).unwrap()
    else {
        panic!("it is there");
    };
    assert_eq!((&bytes[..], size), (&body[10..20], 3 << 20));
    let whole = place.get(&key("packs/a"), None, None, 4 << 20).unwrap();
    assert!(matches!(whole, Got::Found { bytes, .. } if bytes == body));
    let error = place.get(&key("packs/a"), None, None, 100).unwrap_err();
    assert!(
        matches!(
            *error,
            Error::Remote(RemoteError::TooLarge { limit: 100, .. })
        ),
        "{error}"
    );
    let Swap::Swapped(etag) = place.swap(&refs, b"1", None).unwrap() else {
        panic!("there was none");
    };
    assert_eq!(place.swap(&refs, b"2", None).unwrap(), Swap::Changed);
    assert_eq!(
        place.get(&refs, None, Some(&etag), 100).unwrap(),
        Got::Unchanged
    );
    assert!(matches!(
        place.swap(&refs, b"2", Some(&etag)).unwrap(),
        Swap::Swapped(_)
    ));
    let other = Etag::new("other").unwrap();
    assert_eq!(
        place.swap(&refs, b"3", Some(&other)).unwrap(),
        Swap::Changed
    );
    let keys = |prefix, after| -> Vec<String> {
        let found = place.list(prefix, after).unwrap();
        found.iter().map(|entry| entry.key.to_string()).collect()
    };
    assert_eq!(keys("", None), ["packs/a", "refs"]);
    assert_eq!(keys("pa", None), ["packs/a"]);
    assert_eq!(keys("", Some("packs/a")), ["refs"]);
    assert!(keys("", Some("refs")).is_empty());
    place.delete(&refs).unwrap();
    place.delete(&refs).unwrap();
    assert_eq!(place.get(&refs, None, None, 100).unwrap(), Got::Missing);
}

#[test]
fn answers_in_another_order_find_their_requests() {
    let folder = tempfile::tempdir().unwrap();
    let place = reach("reversed", folder.path(), PATIENCE);
    std::thread::scope(|scope| {
        for name in ["a", "bb", "ccc", "dddd"] {
            let place = &place;
            scope.spawn(move || {
                let got = place.get(&key(name), None, None, 100).unwrap();
                assert!(matches!(got, Got::Found { bytes, .. } if bytes == name.as_bytes()));
            });
        }
    });
}

#[test]
fn what_is_wrong_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    for (scheme, kind, part) in [
        (
            "silent",
            ErrorKind::Io,
            "exited with status 0 before it greeted",
        ),
        ("loud", ErrorKind::Corrupt, "Welcome to this machine!"),
        ("old", ErrorKind::Corrupt, "does not speak protocol 1"),
        ("garbage", ErrorKind::Corrupt, "not a JSON object"),
        ("half", ErrorKind::Corrupt, "in the middle of a line"),
        ("stranger", ErrorKind::Corrupt, "an id that no request has"),
        ("stateless", ErrorKind::Corrupt, "\"\" is not a state"),
        (
            "other-state",
            ErrorKind::Corrupt,
            "\"created\" is not a state",
        ),
        ("no-etag", ErrorKind::Corrupt, "no etag"),
        ("bad-etag", ErrorKind::Corrupt, "no etag"),
        ("short", ErrorKind::Corrupt, "2 bytes, not 3"),
        (
            "long",
            ErrorKind::Corrupt,
            "1000 bytes where 100 are the most",
        ),
        ("huge", ErrorKind::Corrupt, "length of a body"),
        ("endless", ErrorKind::Corrupt, "more than 1048576 bytes"),
        ("nowhere", ErrorKind::NotFound, "no such bucket"),
        ("denied", ErrorKind::Denied, "not you, https://***@host/x"),
        ("later", ErrorKind::Unavailable, "not now"),
        ("too-large", ErrorKind::Corrupt, "more than the 100 bytes"),
        ("faulty", ErrorKind::Io, "my fault"),
        ("odd", ErrorKind::Corrupt, "\"odd\" is not a kind"),
    ] {
        let place = reach(scheme, folder.path(), PATIENCE);
        let error = place.get(&key("refs"), None, None, 100).unwrap_err();
        assert_eq!(error.kind(), kind, "{scheme}: {error}");
        let error = error.to_string();
        assert!(error.contains(part), "{scheme}: {error}");
        assert!(
            error.contains(&format!("{scheme}://x")),
            "{scheme}: {error}"
        );
    }
}

#[test]
fn lists_that_are_wrong_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    for (scheme, part) in [
        ("bad-key", "lacks its key"),
        ("outside", "b is not in order"),
        ("unordered", "aa is not in order"),
        ("stateless", "not a state"),
    ] {
        let place = reach(scheme, folder.path(), PATIENCE);
        let error = place.list("a", None).unwrap_err().to_string();
        assert!(error.contains(part), "{scheme}: {error}");
    }
}

#[test]
fn one_that_hangs_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    for scheme in ["hangs", "mute"] {
        let place = reach(scheme, folder.path(), Duration::from_millis(300));
        let error = place.delete(&key("refs")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{scheme}: {error}");
    }
}

#[test]
fn one_that_died_is_started_again_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    // SAFETY: nextest runs each test in a process of its own.
    unsafe { std::env::set_var("DML_TEST_SECRET", "canary-canary") };
    let place = reach("dies", folder.path(), PATIENCE);
    let error = place.delete(&key("refs")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let error = error.to_string();
    assert!(error.contains("exited with status 3"), "{error}");
    assert!(error.contains("it was the ***"), "{error}");
    let place = reach("once", folder.path(), PATIENCE);
    assert!(place.get(&key("refs"), None, None, 100).is_err());
    let got = place.get(&key("refs"), None, None, 100).unwrap();
    assert!(matches!(got, Got::Found { bytes, .. } if bytes == b"ok"));
}

#[test]
fn secrets_in_an_address_are_refused() {
    set_helper_finder(find);
    for text in [
        "good://bucket/x?token=canary",
        "good://bucket/x#canary",
        "good://canary@bucket/x",
    ] {
        let address = Address::parse(text, Path::new("/")).unwrap();
        let Err(error) = open(&address, &OpenOptions::default()) else {
            panic!("{text}");
        };
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}
