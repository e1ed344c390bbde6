//! A quick look for references: for garbage collection, which needs nothing else.

use crate::cbor::Token;
use crate::fault::Fault;
use crate::id::{ID_LEN, ObjectId};

use super::{BlobList, Kind, Record, open};

/// Calls `visit` for every id that the record in `bytes` may refer to: all byte
/// strings of an id's length. With it comes whether the reference is to a datum for
/// certain, which refers to nothing unless it [has blobs](super::has_blobs).
///
/// It is much quicker than decoding. It never misses a reference, but may find others
/// (the key of a call, bytes in an error's stack), so it is good for keeping objects
/// and no good for finding damage.
pub(crate) fn references(bytes: &[u8], visit: &mut dyn FnMut(ObjectId, bool)) -> Result<(), Fault> {
    let (mut reader, kind, mut items) = open(bytes)?;
    match kind {
        // A value refers to its blobs alone, and a tombstone to nothing.
        Kind::Datum if !reader.tells_blob => return Ok(()),
        Kind::Tombstone => return Ok(()),
        Kind::Blob => {
            let list = BlobList::decode(bytes)?;
            list.references(&mut |to| visit(to.id, to.kind == Kind::Datum));
            return Ok(());
        }
        _ => {}
    }
    let mut before = None;
    while items > 0 {
        items -= 1;
        let id = match reader.token()? {
            Token::Bytes(bytes) if bytes.len() == ID_LEN => bytes.try_into().ok(),
            Token::Array(length) => {
                items = items.saturating_add(length);
                None
            }
            Token::Map(length) => {
                items = items.saturating_add(length.saturating_mul(2));
                None
            }
            Token::Tag(_) => {
                items += 1;
                None
            }
            _ => None,
        };
        if let Some(id) = before.take() {
            visit(id, false);
        }
        before = id.map(ObjectId::from_bytes);
    }
    if let Some(id) = before {
        // The last item of a node is the datum that is its value.
        visit(id, kind == Kind::Node);
    }
    reader.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{DagId, DatumId, NodeId, TypedId};
    use crate::record::{Builtin, Node, Record};

    #[test]
    fn the_datum_of_a_node_is_known() {
        let id = |text: &str| ObjectId::of(text.as_bytes());
        let (dag, datum) = (
            DagId::from_object(id("dag")),
            DatumId::from_object(id("datum")),
        );
        let args = vec![NodeId::from_object(id("a")), NodeId::from_object(id("b"))];
        let nodes = [
            Node::Literal { datum },
            Node::Argv { datum },
            Node::Import {
                dag,
                node: NodeId::from_object(id("a")),
                datum,
            },
            Node::Builtin {
                op: Builtin::List,
                args: args.clone(),
                datum,
            },
            Node::Builtin {
                op: Builtin::List,
                args: Vec::new(),
                datum,
            },
            Node::Call {
                args: args.clone(),
                dag,
                datum: Some(datum),
            },
            Node::Call {
                args,
                dag,
                datum: None,
            },
        ];
        for node in nodes {
            let mut wanted = Vec::new();
            node.references(&mut |reference| {
                wanted.push((reference.id, reference.kind == Kind::Datum));
            });
            let mut found = Vec::new();
            references(&node.encode().unwrap(), &mut |id, datum| {
                found.push((id, datum));
            })
            .unwrap();
            assert_eq!(found, wanted, "{node:?}");
        }
    }
}
