//! An sdist whose tar is any bytes is audited: no panic, no hang, no great memory.
#![no_main]

use std::io::Write as _;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::audit::{Policy, audit_bytes};

fuzz_target!(|data: &[u8]| {
    let name = Path::new("demo-1.0.tar.gz");
    let _ = audit_bytes(name, data.to_vec(), &Policy::default());
    // The same bytes as the content of a stored gzip stream: past the checksum.
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for (index, block) in data.chunks(65_535).enumerate() {
        let last = u8::from((index + 1) * 65_535 >= data.len());
        let length = block.len() as u16;
        gzip.push(last);
        let _ = gzip.write_all(&length.to_le_bytes());
        let _ = gzip.write_all(&(!length).to_le_bytes());
        let _ = gzip.write_all(block);
    }
    let mut crc = crc32(data).to_le_bytes().to_vec();
    gzip.append(&mut crc);
    let _ = gzip.write_all(&(data.len() as u32).to_le_bytes());
    let _ = audit_bytes(name, gzip, &Policy::default());
});

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
