//! Inflating with a bound, so that a bomb costs no more than its declared size.

use flate2::{Decompress, FlushDecompress, Status};

/// The densest stream deflate can make.
const MAX_RATIO: u64 = 1032;

/// Inflates a raw deflate stream that should give exactly `expected` bytes and
/// should use all of `packed`.
///
/// # Errors
/// A sentence on what is wrong: damaged, too long, too short, or followed by
/// bytes that belong to no stream.
pub fn inflate(packed: &[u8], expected: u64) -> Result<Vec<u8>, String> {
    let plausible = (packed.len() as u64).saturating_mul(MAX_RATIO) + 64;
    if expected > plausible {
        return Err(format!(
            "it declares {expected} bytes, more than {} packed bytes can hold",
            packed.len()
        ));
    }
    let capacity = usize::try_from(expected).map_err(|e| e.to_string())?;
    let mut out = Vec::new();
    // One byte more than expected: room to notice a stream that goes on.
    out.try_reserve_exact(capacity.saturating_add(1))
        .map_err(|e| e.to_string())?;
    let mut stream = Decompress::new(false);
    loop {
        let (read, written) = (stream.total_in(), stream.total_out());
        let rest = usize::try_from(read)
            .ok()
            .and_then(|at| packed.get(at..))
            .unwrap_or(&[]);
        let status = stream
            .decompress_vec(rest, &mut out, FlushDecompress::Finish)
            .map_err(|e| format!("its deflate stream is damaged: {e}"))?;
        if out.len() as u64 > expected {
            return Err(format!("it holds more than the {expected} bytes declared"));
        }
        if status == Status::StreamEnd {
            break;
        }
        if stream.total_in() == read && stream.total_out() == written {
            return Err("its deflate stream ends too early".into());
        }
    }
    if out.len() as u64 != expected {
        return Err(format!("it holds {} bytes, declared {expected}", out.len()));
    }
    if stream.total_in() != packed.len() as u64 {
        return Err(format!(
            "{} bytes follow the end of its deflate stream",
            packed.len() as u64 - stream.total_in()
        ));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::DeflateEncoder};
    use std::io::Write as _;

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gives_back_what_was_packed() {
        for data in [&b""[..], b"a", &[0; 10_000]] {
            assert_eq!(inflate(&deflate(data), data.len() as u64).unwrap(), data);
        }
    }

    #[test]
    fn refuses_every_wrong_length() {
        let packed = deflate(&[7; 1000]);
        assert!(inflate(&packed, 999).unwrap_err().contains("more than"));
        assert!(inflate(&packed, 1001).unwrap_err().contains("declared"));
        let mut longer = packed.clone();
        longer.push(0);
        assert!(
            inflate(&longer, 1000)
                .unwrap_err()
                .contains("1 bytes follow")
        );
        assert!(inflate(&packed[..packed.len() - 2], 1000).is_err());
        assert!(inflate(&packed, u64::MAX).unwrap_err().contains("can hold"));
    }
}
