//! Blobs: bytes of any length as values, kept, collected, checked and carried like all others.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod support;

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::path::Path;

use daggerml::dag::{BlobReader, Draft};
use daggerml::id::{NodeId, ObjectId, TypedId};
use daggerml::maintenance::fsck::fsck;
use daggerml::maintenance::gc::{Options, gc};
use daggerml::record::{BlobList, Builtin, CHUNK, Kind, Record, kind_of};
use daggerml::store::{ReadObjects, Table};
use daggerml::transfer::remote::{
    CloneOptions, FetchOptions, Filter, PushOptions, Remote, RemoteGcOptions, clone,
};
use daggerml::transfer::transport::Address;
use daggerml::transfer::{Limits, apply, create};
use daggerml::value::{Blob, Value};
use daggerml::{Error, ErrorKind, Repository};
use support::{Random, child, clean, collect, commit, count, ints};

/// Bytes that do not repeat.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes: Vec<u8> = (0..length.div_ceil(8))
        .flat_map(|_| random.next().to_le_bytes())
        .collect();
    bytes.truncate(length);
    bytes
}

fn put(dag: &mut Draft, bytes: &[u8]) -> NodeId {
    dag.put_blob(&mut Cursor::new(bytes), &mut |_| Ok(()))
        .unwrap()
}

fn commit_blob(repository: &Repository, name: &str, bytes: &[u8]) -> NodeId {
    let mut dag = repository.new_dag(name, "m").unwrap();
    let node = put(&mut dag, bytes);
    dag.commit(node).unwrap();
    node
}

fn open(repository: &Repository, name: &str) -> BlobReader {
    let view = repository.load(name).unwrap();
    view.blob(view.result().unwrap()).unwrap()
}

fn read(mut reader: BlobReader) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn blob_of(repository: &Repository, name: &str) -> Blob {
    open(repository, name).blob()
}

#[test]
fn what_goes_in_comes_out_whole_and_by_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    for (number, length) in [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 77]
        .into_iter()
        .enumerate()
    {
        let bytes = content(number as u64, length);
        let name = format!("blob{number}");
        commit_blob(&repository, &name, &bytes);
        let mut reader = open(&repository, &name);
        assert_eq!(reader.blob().size, length as u64);
        assert_eq!(read(open(&repository, &name)), bytes);
        let mut random = Random::new(7);
        for _ in 0..20 {
            let at = random.below(length as u64 + 2);
            let most = usize::try_from(random.below(2 * CHUNK as u64)).unwrap();
            let mut buffer = vec![0; most];
            let found = reader.read_at(at, &mut buffer).unwrap();
            let begin = usize::try_from(at).unwrap().min(length);
            assert_eq!(buffer[..found], bytes[begin..length.min(begin + most)]);
        }
        let (all, few) = (i64::try_from(length).unwrap(), length.min(9));
        reader.seek(SeekFrom::End(-all.min(9))).unwrap();
        let mut end = Vec::new();
        reader.read_to_end(&mut end).unwrap();
        assert_eq!(end, bytes[length - few..]);
        assert!(reader.seek(SeekFrom::End(-all - 1)).is_err());
        let saved = folder.path().join("saved");
        reader.save(&saved, &mut |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(saved).unwrap(), bytes);
    }
    clean(repository.store());
}

#[test]
fn equal_bytes_have_one_id_however_they_come() {
    struct Slow<'b>(&'b [u8], usize);
    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(7) {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let length = buffer.len().min(self.0.len()).min(100_003);
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let bytes = content(1, 2 * CHUNK + 5);
    let file = folder.path().join("file");
    std::fs::write(&file, &bytes).unwrap();
    let mut dag = repository.new_dag("all", "m").unwrap();
    let first = put(&mut dag, &bytes);
    let before = count(repository.store());
    let slow = dag.put_blob(&mut Slow(&bytes, 0), &mut |_| Ok(())).unwrap();
    let of_file = dag.put_file(&file, &mut |_| Ok(())).unwrap();
    assert_eq!([slow, of_file], [first, first]);
    // What was there is not written again.
    assert_eq!(count(repository.store()), before);
    // The published id: part of the specification.
    let Value::Blob(blob) = dag.value(first).unwrap() else {
        panic!("no blob");
    };
    let empty = put(&mut dag, b"");
    let Value::Blob(nothing) = dag.value(empty).unwrap() else {
        panic!("no blob");
    };
    assert_eq!(nothing.id.object(), ObjectId::of(b"\x84\x08\x01\x00\x80"));
    assert_ne!(blob.id, nothing.id);
}

#[test]
fn blobs_in_collections_and_calls_are_values_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let mut dag = repository.new_dag("all", "m").unwrap();
    let node = put(&mut dag, &content(3, CHUNK + 9));
    let value = dag.value(node).unwrap();
    assert_eq!(value.type_name(), "blob");
    assert_eq!(dag.value_type(node).unwrap(), "blob");
    let list = dag.builtin(Builtin::List, &[node, node]).unwrap();
    let zero = dag.put(Value::from(0)).unwrap();
    let element = dag.builtin(Builtin::Get, &[list, zero]).unwrap();
    assert_eq!(dag.value(element).unwrap(), value);
    assert_eq!(read(dag.blob(element).unwrap()), content(3, CHUNK + 9));
    let set = dag.builtin(Builtin::Set, &[node]).unwrap();
    assert!(dag.blob(set).is_err());
    // A blob cannot be a key, and one of another repository is not here.
    assert!(dag.builtin(Builtin::Map, &[node, zero]).is_err());
    let other = Blob {
        size: 5,
        id: daggerml::id::BlobId::from_object(ObjectId::of(b"elsewhere")),
    };
    let error = dag.put(other.into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    dag.commit(list).unwrap();
    clean(repository.store());
    collect(repository.store());
    let view = repository.load("all").unwrap();
    assert_eq!(
        view.value(view.result().unwrap()).unwrap(),
        vec![value.clone(), value].into()
    );
}

#[test]
fn gc_keeps_blobs_that_something_reaches_and_removes_others() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let bytes = content(5, 2 * CHUNK + 1);
    commit_blob(&repository, "kept", &bytes);
    let kept = count(store);
    assert_eq!(collect(store).removed.all().objects, 0);
    // In memory only, in the log of a draft, flushed, and resumed: a draft keeps its blobs.
    let mut dag = repository.new_dag("draft", "m").unwrap();
    let more = content(6, CHUNK + 1);
    let node = put(&mut dag, &more);
    collect(store);
    assert_eq!(read(dag.blob(node).unwrap()), more);
    dag.flush().unwrap();
    let id = dag.id();
    drop(dag);
    collect(store);
    let mut dag = repository.resume(id).unwrap();
    assert_eq!(read(dag.blob(node).unwrap()), more);
    // The log holds small records, which are not in the table of objects.
    for number in 0..9000 {
        dag.put(Value::from(number)).unwrap();
    }
    let second = put(&mut dag, &content(7, CHUNK + 2));
    for number in 9000..20_000 {
        dag.put(Value::from(number)).unwrap();
    }
    collect(store);
    clean(store);
    assert_eq!(read(dag.blob(second).unwrap()), content(7, CHUNK + 2));
    dag.discard().unwrap();
    // A draft that was dropped keeps nothing.
    let mut dag = repository.new_dag("dropped", "m").unwrap();
    put(&mut dag, &content(8, CHUNK + 3));
    drop(dag);
    let report = collect(store);
    assert!(report.removed.iter().any(|(kind, _)| kind == Kind::Blob));
    assert_eq!(count(store), kept);
    assert_eq!(store.snapshot().unwrap().count(Table::Drafts).unwrap(), 0);
    assert_eq!(read(open(&repository, "kept")), bytes);
    clean(store);
}

#[test]
fn gc_during_a_long_put_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    commit(&repository, "other", ints(0..10));
    let bytes = content(9, 14 * CHUNK + 5);
    let mut dag = repository.new_dag("long", "m").unwrap();
    let mut runs = 0;
    let node = dag
        .put_blob(&mut Cursor::new(&bytes), &mut |_| {
            // Garbage beside it, so that each run has something to remove.
            support::litter(store, runs..runs + 10);
            runs += 10;
            assert_eq!(collect(store).removed.all().objects, 20);
            Ok(())
        })
        .unwrap();
    assert_eq!(runs, 40, "once for every four chunks");
    collect(store);
    dag.commit(node).unwrap();
    collect(store);
    assert_eq!(read(open(&repository, "long")), bytes);
    assert_eq!(store.snapshot().unwrap().count(Table::Drafts).unwrap(), 0);
    clean(store);
}

/// Puts a large blob until it is killed.
#[test]
fn putter() {
    let Ok(root) = std::env::var("DML_TEST_PUT_BLOB") else {
        return;
    };
    let repository = Repository::open(Path::new(&root)).unwrap();
    let mut dag = repository.new_dag("killed", "m").unwrap();
    let mut told = false;
    dag.put_blob(&mut std::io::repeat(7).take(1 << 40), &mut |done| {
        // Some of it is in the store by now.
        if done > 50 << 20 && !std::mem::replace(&mut told, true) {
            println!("\nwriting");
            std::io::stdout().flush().unwrap();
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
        Ok(())
    })
    .unwrap();
}

#[cfg(unix)]
#[test]
fn a_killed_put_leaves_garbage_that_gc_removes() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let bytes = content(10, CHUNK + 5);
    commit_blob(&repository, "kept", &bytes);
    let kept = count(repository.store());
    let root = folder.path().to_str().unwrap();
    let mut killed = child("putter", "DML_TEST_PUT_BLOB", root)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(killed.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "writing"));
    // While it lives, what it wrote is kept.
    collect(repository.store());
    assert!(count(repository.store()) > kept);
    killed.kill().unwrap();
    killed.wait().unwrap();
    clean(repository.store());
    collect(repository.store());
    assert_eq!(count(repository.store()), kept);
    assert_eq!(read(open(&repository, "kept")), bytes);
    clean(repository.store());
}

#[test]
fn errors_name_what_is_wrong_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let mut dag = repository.new_dag("all", "m").unwrap();
    let nothing = &mut |_| Ok(());
    let path = folder.path().join("gone");
    let error = dag.put_file(&path, nothing).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
    assert!(matches!(*error, Error::Io { .. }));
    let error = dag.put_file(folder.path(), nothing).unwrap_err();
    assert!(
        error.to_string().contains("folder") || matches!(*error, Error::Io { .. }),
        "{error}"
    );
    // A file that grows while it is read.
    std::fs::write(&path, content(1, 6 * CHUNK)).unwrap();
    let error = dag
        .put_file(&path, &mut |_| {
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(b"more").unwrap();
            Ok(())
        })
        .unwrap_err();
    assert!(matches!(*error, Error::Conflict { .. }), "{error}");
    assert!(
        error.to_string().contains("changed while it was read"),
        "{error}"
    );
    // A source that fails, and somebody who has had enough.
    let first = content(2, CHUNK);
    let mut fails = first.as_slice().chain(Fails);
    let error = dag.put_blob(&mut fails, nothing).unwrap_err();
    assert!(error.to_string().contains("as the test wants"), "{error}");
    let enough = || Error::Invalid {
        message: "enough".to_owned(),
    };
    let mut endless = std::io::repeat(1);
    let stopped = dag.put_blob(&mut endless, &mut |done| {
        if done > 20 << 20 {
            Err(enough().into())
        } else {
            Ok(())
        }
    });
    assert_eq!(stopped.unwrap_err().to_string(), "enough");
    // All of that is garbage; the draft is as it was.
    assert!(dag.is_empty());
    drop(dag);
    collect(store);
    assert_eq!(count(store), 0);
}

struct Fails;

impl Read for Fails {
    fn read(&mut self, _buffer: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("as the test wants"))
    }
}

/// Makes the bytes of an object in the store others, behind its back.
fn replace(repository: &Repository, id: ObjectId, bytes: &[u8]) {
    let store = repository.store();
    store
        .write(|txn| txn.put(Table::Objects, id.as_bytes(), bytes))
        .unwrap();
}

#[test]
fn damage_is_found_named_and_healed() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let store = repository.store();
    let bytes = content(11, 2 * CHUNK + 100);
    commit_blob(&repository, "blob", &bytes);
    let blob = blob_of(&repository, "blob");
    let list = {
        let snapshot = store.snapshot().unwrap();
        snapshot
            .object(blob.id.object(), Kind::Blob)
            .unwrap()
            .to_vec()
    };
    // Each byte of the record of the parts, in turn.
    for at in 0..list.len() {
        let mut wrong = list.clone();
        wrong[at] ^= 0x55;
        replace(&repository, blob.id.object(), &wrong);
        let error = repository.open_blob(blob).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{at}: {error}");
        assert!(error.to_string().contains(&blob.id.to_string()), "{error}");
    }
    assert!(!fsck(store, &mut |_| {}).unwrap().is_clean());
    assert!(gc(store, Options::default(), &mut |_| {}).is_err());
    // To put it again heals it.
    commit_blob(&repository, "again", &bytes);
    clean(store);
    // A chunk, in the middle.
    let second = ObjectId::from_bytes(list[list.len() - 66..list.len() - 34].try_into().unwrap());
    let mut chunk = {
        let snapshot = store.snapshot().unwrap();
        snapshot.object(second, Kind::Datum).unwrap().to_vec()
    };
    chunk[1000] ^= 1;
    replace(&repository, second, &chunk);
    let mut reader = open(&repository, "blob");
    let mut first = vec![0; CHUNK];
    assert_eq!(reader.read_at(0, &mut first).unwrap(), CHUNK);
    let error = reader.read_at(CHUNK as u64 + 5, &mut first).unwrap_err();
    assert!(matches!(&*error, Error::Blob { at, problem, .. }
        if *at == CHUNK as u64 && matches!(**problem, Error::HashMismatch { .. })));
    assert!(error.to_string().contains(&second.to_string()), "{error}");
    let saved = folder.path().join("saved");
    assert!(reader.save(&saved, &mut |_| Ok(())).is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let report = fsck(store, &mut |_| {}).unwrap();
    assert!(
        report
            .findings
            .iter()
            .any(|found| found.subject.to_string().contains(&second.to_string()))
    );
    commit_blob(&repository, "healed", &bytes);
    clean(store);
    assert_eq!(read(open(&repository, "blob")), bytes);
}

/// Who reads in order has the next chunk compared before it is wanted.
#[test]
fn damage_is_named_where_it_is_by_who_reads_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let bytes = content(17, 5 * CHUNK + 3);
    commit_blob(&repository, "blob", &bytes);
    let part = |number: usize| {
        let snapshot = repository.snapshot().unwrap();
        let id = blob_of(&repository, "blob").id.object();
        let list = BlobList::decode(snapshot.object(id, Kind::Blob).unwrap()).unwrap();
        let part = list.parts[number];
        (part, snapshot.object(part, Kind::Datum).unwrap().to_vec())
    };
    for number in 0..5 {
        let (id, sound) = part(number);
        let mut wrong = sound.clone();
        wrong[77] ^= 1;
        replace(&repository, id, &wrong);
        let mut reader = open(&repository, "blob");
        let mut buffer = vec![0; CHUNK];
        for before in 0..number {
            assert_eq!(reader.read(&mut buffer).unwrap(), CHUNK);
            assert_eq!(buffer, bytes[before * CHUNK..(before + 1) * CHUNK]);
        }
        let place = (number * CHUNK) as u64;
        let error = reader.read_at(place, &mut buffer).unwrap_err();
        assert!(
            matches!(&*error, Error::Blob { at, .. } if *at == place),
            "{error}"
        );
        // What comes after it can be read.
        let next = (number + 1) * CHUNK;
        let there = reader.read_at(next as u64, &mut buffer).unwrap();
        assert_eq!(buffer[..there], bytes[next..next + there]);
        replace(&repository, id, &sound);
    }
    assert_eq!(read(open(&repository, "blob")), bytes);
}

#[test]
fn bundles_carry_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(&folder.path().join("a")).unwrap();
    let bytes = content(12, 3 * CHUNK + 1);
    commit_blob(&repository, "blob", &bytes);
    let dag = repository.find_dag("blob").unwrap();
    let mut bundle = Vec::new();
    let snapshot = repository.snapshot().unwrap();
    let made = create(&snapshot, &[dag.into()], &[], &mut bundle).unwrap();
    assert_eq!(made.objects, 1 + 1 + 1 + 1 + 4);
    let other = Repository::init(&folder.path().join("b")).unwrap();
    apply(
        other.store(),
        &mut &*bundle,
        &Limits::default(),
        |txn, roots| txn.put(Table::Drafts, b"root", roots[0].id.as_bytes()),
    )
    .unwrap();
    collect(other.store());
    clean(other.store());
    let view = other.view(dag).unwrap();
    assert_eq!(read(view.blob(view.result().unwrap()).unwrap()), bytes);
    // One that lacks a chunk is refused: what came before it is not enough.
    assert!(
        create(
            &snapshot,
            &[dag.into()],
            &[blob_of(&repository, "blob").id.object()],
            &mut bundle
        )
        .is_ok()
    );
    let third = Repository::init(&folder.path().join("c")).unwrap();
    let mut partial = Vec::new();
    let exclude = [blob_of(&repository, "blob").id.object()];
    create(&snapshot, &[dag.into()], &exclude, &mut partial).unwrap();
    let error = apply(third.store(), &mut &*partial, &Limits::default(), |_, _| {
        Ok(())
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

fn push(repository: &Repository) {
    let origin = Remote::open(repository, "origin").unwrap();
    origin
        .push(repository, &PushOptions::default(), &())
        .unwrap();
}

fn clone_to(folder: &Path, name: &str, filter: Filter) -> Repository {
    let address = Address::parse(folder.join("team").to_str().unwrap(), folder).unwrap();
    let options = CloneOptions {
        filter,
        ..CloneOptions::default()
    };
    clone(&address, &folder.join(name), &options, &())
        .unwrap()
        .repository
}

#[test]
fn push_clone_filter_and_collection_of_a_remote_follow_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let here = Repository::init(&folder.path().join("here")).unwrap();
    here.add_remote("origin", folder.path().join("team").to_str().unwrap())
        .unwrap();
    let bytes = content(13, 4 * CHUNK + 12);
    commit_blob(&here, "blob", &bytes);
    // A value with so many blobs that a filter would leave it away by its size.
    let mut dag = here.new_dag("many", "m").unwrap();
    let nodes: Vec<_> = (0..40)
        .map(|n| put(&mut dag, &content(100 + n, 2000)))
        .collect();
    let many = dag.builtin(Builtin::List, &nodes).unwrap();
    dag.commit(many).unwrap();
    push(&here);
    let whole = clone_to(folder.path(), "whole", Filter::None);
    clean(whole.store());
    assert_eq!(read(open(&whole, "blob")), bytes);
    let part = clone_to(folder.path(), "part", Filter::Values { most: 1024 });
    clean(part.store());
    collect(part.store());
    // The chunks stayed there but for one of 12 bytes, and nothing else.
    let left = part.snapshot().unwrap().absents().unwrap();
    assert_eq!(left.len(), 4 + 40);
    assert!(left.iter().all(|(_, absent)| absent.kind == Kind::Datum));
    // Whoever reads fetches what is read.
    let mut few = [0; 10];
    open(&part, "blob").read_at(CHUNK as u64, &mut few).unwrap();
    assert_eq!(few, bytes[CHUNK..CHUNK + 10]);
    assert!(part.snapshot().unwrap().absents().unwrap().len() < 44);
    assert_eq!(read(open(&part, "blob")), bytes);
    collect(part.store());
    clean(part.store());
    // A remote that is collected from a filtered clone keeps what that does not have.
    let later = clone_to(folder.path(), "later", Filter::Values { most: 1024 });
    commit(&later, "more", ints(0..5));
    push(&later);
    let origin = Remote::open(&later, "origin").unwrap();
    let options = RemoteGcOptions {
        grace: std::time::Duration::ZERO,
        ..RemoteGcOptions::default()
    };
    origin.gc(&later, &options, &()).unwrap();
    let report = origin.fsck(&()).unwrap();
    assert!(report.is_clean(), "{report:?}");
    let filter = FetchOptions {
        filter: Some(Filter::None),
        ..FetchOptions::default()
    };
    origin.fetch(&later, &filter, &()).unwrap();
    assert!(later.snapshot().unwrap().absents().unwrap().is_empty());
    assert_eq!(read(open(&later, "blob")), bytes);
    clean(later.store());
}

#[test]
fn objects_of_blobs_are_of_their_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    commit_blob(&repository, "blob", &content(15, CHUNK + 1));
    let snapshot = repository.snapshot().unwrap();
    let mut kinds = Vec::new();
    for object in snapshot.objects(&[]).unwrap() {
        kinds.push(kind_of(object.unwrap().1).unwrap());
    }
    let of = |kind| kinds.iter().filter(|found| **found == kind).count();
    // Two chunks and the node's own value; the list of the chunks.
    assert_eq!((of(Kind::Datum), of(Kind::Blob)), (3, 1));
}
