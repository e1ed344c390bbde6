//! A remote that lies: wrong bytes, endless answers, huge counts, names that lead elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::ops::Range;

use daggerml::error::RemoteError;
use daggerml::id::ObjectId;
use daggerml::record::{Commit, Datum, Node, Record, Time, Tree};
use daggerml::transfer::remote::{FetchOptions, PushOptions, Remote};
use daggerml::transfer::transport::{
    Address, Description, Entry, Etag, Got, Key, Put, Swap, Transport,
};
use daggerml::value::Value;
use daggerml::{Error, ErrorKind, Repository, Result};
use support::remote::Place;
use support::{commit, count, ints};
use tempfile::TempDir;

fn fresh() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::in_memory(folder.path()).unwrap();
    repository.add_remote("origin", "test://place").unwrap();
    (folder, repository)
}

fn small() -> Place {
    let place = Place::default();
    let (_folder, here) = fresh();
    commit(&here, "one", ints(0..3));
    here.create_tag("v1", here.head().unwrap().unwrap())
        .unwrap();
    let options = PushOptions {
        all: true,
        tags: true,
        ..PushOptions::default()
    };
    place.remote().push(&here, &options, &()).unwrap();
    place
}

fn fetch(remote: &Remote) -> (TempDir, Repository, Result<()>) {
    let (folder, repository) = fresh();
    let fetched = remote.fetch(&repository, &FetchOptions::default(), &());
    (folder, repository, fetched.map(drop))
}

fn refused(remote: &Remote, what: &str) {
    let (_folder, repository, fetched) = fetch(remote);
    let Err(error) = fetched else {
        panic!("{what}: it was taken in");
    };
    assert!(matches!(*error, Error::Remote(_)), "{what}: {error:?}");
    assert!(
        repository.refs("").unwrap().is_empty(),
        "{what}: a ref is kept"
    );
    assert!(error.hint().is_some(), "{what}");
}

#[test]
fn a_byte_that_is_flipped_anywhere_is_noticed_and_nothing_kept() {
    let place = small();
    let all = place.blobs.lock().unwrap().all.clone();
    assert_eq!(all.len(), 3);
    for (key, bytes) in &all {
        for at in 0..bytes.len() {
            place.blobs.lock().unwrap().all.get_mut(key).unwrap()[at] ^= 1 << (at % 8);
            let (_folder, repository, fetched) = fetch(&place.remote());
            if key == "daggerml-remote" {
                fetched.unwrap(); // Where there is a manifest, nothing else is asked for.
            } else {
                let error = fetched.unwrap_err();
                assert!(
                    matches!(*error, Error::Remote(RemoteError::Damaged { .. })),
                    "{key} {at}: {error:?}"
                );
                assert!(repository.refs("").unwrap().is_empty());
                assert_eq!(count(repository.store()), 0);
                let report = place.remote().fsck(&());
                assert!(report.is_err() || !report.unwrap().is_clean(), "{key} {at}");
            }
            place.blobs.lock().unwrap().all.get_mut(key).unwrap()[at] ^= 1 << (at % 8);
        }
    }
    for key in all.keys().filter(|key| *key != "daggerml-remote") {
        let bytes = place.blobs.lock().unwrap().all.remove(key).unwrap();
        if key != "refs" {
            refused(&place.remote(), "a blob is gone"); // Without refs it is an empty remote.
        }
        for end in 0..bytes.len() {
            let cut = bytes[..end].to_vec();
            place.blobs.lock().unwrap().all.insert(key.clone(), cut);
            refused(&place.remote(), "a blob is cut off");
        }
        place.blobs.lock().unwrap().all.insert(key.clone(), bytes);
    }
    let (_folder, repository, fetched) = fetch(&place.remote());
    fetched.unwrap();
    // Whoever has seen the manifest does not begin a new one in its place.
    place.blobs.lock().unwrap().all.remove("refs");
    commit(&repository, "mine", ints(0..2));
    let error = place
        .remote()
        .push(&repository, &PushOptions::default(), &());
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
}

/// The heads of canonical CBOR.
fn head(major: u8, argument: u64) -> Vec<u8> {
    let top = major << 5;
    let small = u8::try_from(argument).unwrap_or(255);
    match argument {
        0..=23 => vec![top | small],
        24..=0xff => vec![top | 24, small],
        0x100..=0xffff => [&[top | 25][..], &argument.to_be_bytes()[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[top | 26][..], &argument.to_be_bytes()[4..]].concat(),
        _ => [&[top | 27][..], &argument.to_be_bytes()].concat(),
    }
}

fn bytes(content: &[u8]) -> Vec<u8> {
    [head(2, content.len() as u64), content.to_vec()].concat()
}

fn text(content: &str) -> Vec<u8> {
    [head(3, content.len() as u64), content.as_bytes().to_vec()].concat()
}

fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len() as u64), items.concat()].concat()
}

fn hashed(content: Vec<u8>) -> Vec<u8> {
    let hash = ObjectId::of(&content);
    [content, hash.as_bytes().to_vec()].concat()
}

/// A pack of these objects, and what a manifest says of it.
fn pack(objects: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let mut made = b"\x89DMP\r\n\x1a\n\x82\x01\x00".to_vec();
    let mut index = Vec::new();
    for object in objects {
        let first: [u8; 8] = *ObjectId::of(object).as_bytes().first_chunk().unwrap();
        index.push((first, u32::try_from(made.len()).unwrap()));
        made.extend(bytes(object));
    }
    index.sort_unstable();
    let at = made.len() as u64;
    let firsts: Vec<u8> = index.iter().flat_map(|(first, _)| *first).collect();
    let places: Vec<u8> = index.iter().flat_map(|(_, at)| at.to_be_bytes()).collect();
    made.extend(hashed([firsts, places].concat()));
    let info = array(&[
        bytes(ObjectId::of(&made).as_bytes()),
        head(0, made.len() as u64),
        head(0, at),
        head(0, objects.len() as u64),
        head(0, 0),
    ]);
    (made, info)
}

/// A place with a manifest of these refs, lists and packs.
fn place(refs: &[(&str, ObjectId)], lists: &[Vec<u8>], packs: &[(Vec<u8>, Vec<u8>)]) -> Place {
    let refs: Vec<_> = refs
        .iter()
        .map(|(name, id)| array(&[text(name), bytes(id.as_bytes())]))
        .collect();
    let infos: Vec<_> = packs.iter().map(|(_, info)| info.clone()).collect();
    let manifest = array(&[
        head(0, 1),
        head(0, 0),
        vec![0xf6],
        array(&refs),
        array(lists),
        array(&infos),
        array(&[]),
    ]);
    let place = Place::default();
    let mut blobs = place.blobs.lock().unwrap();
    blobs.all.insert("refs".to_owned(), hashed(manifest));
    for (made, _) in packs {
        let id = ObjectId::of(made).to_string();
        blobs
            .all
            .insert(format!("packs/{}/{id}", &id[..2]), made.clone());
    }
    drop(blobs);
    place
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn objects_that_do_not_agree_are_refused() {
    let datum = Datum {
        value: Value::from(1),
    };
    let datum_bytes = datum.encode().unwrap();
    let datum_id = daggerml::id::TypedId::from_object(ObjectId::of(&datum_bytes));
    let node = Node::Literal { datum: datum_id }.encode().unwrap();
    let tree = Tree::empty().encode().unwrap();
    let commit = Commit {
        tree: daggerml::id::TypedId::from_object(ObjectId::of(&tree)),
        parents: Vec::new(),
        author: "a".to_owned(),
        message: "m".to_owned(),
        time: Time(1),
    };
    let commit_bytes = commit.encode().unwrap();
    let id = ObjectId::of(&commit_bytes);
    let main = [("heads/main", id)];
    let fine = place(&main, &[], &[pack(&[tree.clone(), commit_bytes.clone()])]);
    fetch(&fine.remote()).2.unwrap();

    let wrong_kind = Commit {
        tree: daggerml::id::TypedId::from_object(ObjectId::of(&datum_bytes)),
        ..commit.clone()
    };
    let wrong = wrong_kind.encode().unwrap();
    let cases: Vec<(&str, Place)> = vec![
        ("no commit", place(&main, &[], &[])),
        (
            "no tree",
            place(&main, &[], &[pack(std::slice::from_ref(&commit_bytes))]),
        ),
        (
            "the tree comes later",
            place(&main, &[], &[pack(&[commit_bytes.clone(), tree.clone()])]),
        ),
        (
            "no datum",
            place(
                &main,
                &[],
                &[pack(&[node, tree.clone(), commit_bytes.clone()])],
            ),
        ),
        (
            "a datum for a tree",
            place(
                &[("heads/main", ObjectId::of(&wrong))],
                &[],
                &[pack(&[datum_bytes.clone(), wrong])],
            ),
        ),
        (
            "a ref to a tree",
            place(
                &[("heads/main", ObjectId::of(&tree))],
                &[],
                &[pack(std::slice::from_ref(&tree))],
            ),
        ),
        (
            "no record",
            place(&main, &[], &[pack(&[b"\x00".to_vec(), tree.clone()])]),
        ),
        (
            "names that lead elsewhere",
            place(&[("heads/../../x", id)], &[], &[]),
        ),
        ("HEAD", place(&[("HEAD", id)], &[], &[])),
        ("tracking", place(&[("remotes/a/b", id)], &[], &[])),
        (
            "out of order",
            place(&[("heads/b", id), ("heads/a", id)], &[], &[]),
        ),
        (
            "twice",
            place(&[("heads/a", id), ("heads/a", id)], &[], &[]),
        ),
        (
            "a list that is not there",
            place(&main, &[array(&[bytes(id.as_bytes()), head(0, 1)])], &[]),
        ),
        (
            "a huge list",
            place(
                &main,
                &[array(&[bytes(id.as_bytes()), head(0, u64::MAX)])],
                &[],
            ),
        ),
    ];
    for (what, place) in cases {
        refused(&place.remote(), what);
    }
    for (what, manifest) in [
        ("another version", array(&[head(0, 2)])),
        ("nothing", Vec::new()),
        (
            "huge counts",
            [vec![0x87, 0x01, 0x00, 0xf6], head(4, u64::MAX)].concat(),
        ),
        (
            "many counts",
            [vec![0x87, 0x01, 0x00, 0xf6], head(4, 1 << 32)].concat(),
        ),
    ] {
        let place = Place::default();
        let mut blobs = place.blobs.lock().unwrap();
        blobs.all.insert("refs".to_owned(), hashed(manifest));
        drop(blobs);
        refused(&place.remote(), what);
    }
    let mut huge = b"\x89DMP\r\n\x1a\n\x82\x01\x00".to_vec();
    huge.extend(head(2, 1 << 40));
    let (_, info) = pack(std::slice::from_ref(&tree));
    refused(
        &place(&main, &[], &[(huge, info)]).remote(),
        "an object of a terabyte",
    );
}

/// Answers without end.
struct Endless;

impl Transport for Endless {
    fn describe(&self) -> Result<Description> {
        Ok(Description {
            address: "test://place".to_owned(),
            writable: true,
            ranges: true,
            largest: None,
            page: 1,
        })
    }

    fn list(&self, _: &str, _: Option<&str>) -> Result<Vec<Entry>> {
        Ok(vec![Entry {
            key: Key::new("packs/ab/x").unwrap(),
            bytes: 1,
            modified: None,
        }])
    }

    fn get(&self, _: &Key, _: Option<Range<u64>>, _: Option<&Etag>, limit: u64) -> Result<Got> {
        let length = usize::try_from(limit).unwrap() + 1;
        Ok(Got::Found {
            etag: Etag::new("x").unwrap(),
            size: u64::MAX,
            bytes: vec![0; length],
        })
    }

    fn put(&self, _: &Key, _: &[u8]) -> Result<Put> {
        Ok(Put::Exists)
    }

    fn swap(&self, _: &Key, _: &[u8], _: Option<&Etag>) -> Result<Swap> {
        Ok(Swap::Changed)
    }

    fn delete(&self, _: &Key) -> Result<()> {
        Ok(())
    }
}

#[test]
fn answers_without_end_have_one() {
    let address = Address::parse("test://place", "/".as_ref()).unwrap();
    let remote = Remote::with_transport("origin", &address, Box::new(Endless)).unwrap();
    let (_folder, repository, fetched) = fetch(&remote);
    assert!(matches!(
        fetched.map_err(|error| *error),
        Err(Error::Remote(RemoteError::TooLarge { .. }))
    ));
    commit(&repository, "one", ints(0..2));
    let pushed = remote.push(&repository, &PushOptions::default(), &());
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::Corrupt);
}
