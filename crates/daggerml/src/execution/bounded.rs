//! Bundles of calls for adapters that do not share the repository: whole, in memory, and so of
//! bounded size.

use std::io::{self, Write};

use crate::error::{Error, Result};

/// The most bytes of a bundle, which is sent in one line.
const MOST: usize = 380 << 20;

/// Returns the bundle that `make` writes. `what` says of what, in an error.
pub(super) fn bundle(
    what: &str,
    make: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut bounded = Bounded {
        bytes: Vec::new(),
        is_full: false,
    };
    let made = make(&mut bounded);
    if bounded.is_full {
        return Err(Error::Invalid {
            message: format!(
                "{what} with all blobs in it has more than {} MiB, which an adapter that does not \
                 share the repository is not sent; put the blob where both can reach it, and its \
                 Uri in its place",
                MOST >> 20
            ),
        }
        .into());
    }
    made.map(|()| bounded.bytes)
}

struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
