//! Recomputing the page hashes of a Mach-O code signature.
//!
//! An arm64 Mac kills a process that touches a page whose hash is wrong, so a
//! tool that edits a signed file and does not sign it again ships a crash.

use object::BigEndian;
use object::macho as raw;
use object::read::macho::{CodeDirectory, CodeSignature};
use sha2::{Digest, Sha256, Sha384};

/// What is known of a code signature.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Signature {
    /// The file has no signature.
    #[default]
    Missing,
    /// Every page hash that could be recomputed is right.
    Good {
        /// Whether no identity stands behind it (what linkers write).
        ad_hoc: bool,
        /// Pages whose hashes were recomputed.
        pages: u32,
    },
    /// Unreadable, or a hash is wrong.
    Broken(String),
}

/// Real files have one code directory, or two (SHA-1 beside SHA-256).
const MAX_DIRECTORIES: usize = 4;

/// Recomputes every page hash of every code directory over `image`.
pub fn verify(signature: &CodeSignature<'_>, image: &[u8]) -> Signature {
    match pages(signature, image) {
        Ok((ad_hoc, pages)) => Signature::Good { ad_hoc, pages },
        Err(reason) => Signature::Broken(reason),
    }
}

fn pages(signature: &CodeSignature<'_>, image: &[u8]) -> Result<(bool, u32), String> {
    let (mut ad_hoc, mut checked, mut directories) = (true, 0, 0);
    for blob in signature.blobs() {
        let blob = blob.map_err(|e| e.to_string())?;
        let Some(directory) = blob.code_directory().map_err(|e| e.to_string())? else {
            continue;
        };
        directories += 1;
        if directories > MAX_DIRECTORIES {
            return Err(format!(
                "it has more than {MAX_DIRECTORIES} code directories"
            ));
        }
        ad_hoc &= directory.header().flags.get(BigEndian).0 & raw::CS_ADHOC.0 != 0;
        checked += directory_pages(&directory, image)?;
    }
    if directories == 0 {
        return Err("it has no code directory".into());
    }
    Ok((ad_hoc, checked))
}

fn directory_pages(directory: &CodeDirectory<'_>, image: &[u8]) -> Result<u32, String> {
    let header = directory.header();
    let hash: fn(&[u8]) -> Vec<u8> = match header.hash_type {
        raw::CS_HASHTYPE_SHA256 => |page| Sha256::digest(page).to_vec(),
        raw::CS_HASHTYPE_SHA256_TRUNCATED => |page| Sha256::digest(page)[..20].to_vec(),
        raw::CS_HASHTYPE_SHA384 => |page| Sha384::digest(page).to_vec(),
        // SHA-1 stands beside SHA-256 for systems before 10.11; newer ones
        // look at the strongest only.
        raw::CS_HASHTYPE_SHA1 => return Ok(0),
        other => return Err(format!("its hash type {} is unknown", other.0)),
    };
    let limit = usize::try_from(directory.code_limit()).map_err(|e| e.to_string())?;
    let code = image
        .get(..limit)
        .ok_or("it covers more bytes than the file has")?;
    let page_len = match header.page_size {
        0 => code.len().max(1),
        log2 @ 10..=20 => 1 << log2,
        log2 => return Err(format!("its page size of 2^{log2} bytes is not one in use")),
    };
    let count = header.n_code_slots.get(BigEndian);
    let expected = code.len().div_ceil(page_len);
    if count as usize != expected {
        return Err(format!("it hashes {count} pages; the code has {expected}"));
    }
    for (index, page) in (0..count).zip(code.chunks(page_len)) {
        let stated = directory.code_hash(index).map_err(|e| e.to_string())?;
        if hash(page) != stated {
            return Err(format!(
                "the hash of page {index} (bytes {:#x}..{:#x}) is wrong",
                index as usize * page_len,
                index as usize * page_len + page.len(),
            ));
        }
    }
    Ok(count)
}
