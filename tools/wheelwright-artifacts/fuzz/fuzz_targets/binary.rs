//! Compiled code of any bytes is read: no panic, no hang, no great memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wheelwright_artifacts::binary::Binary;

fuzz_target!(|data: &[u8]| {
    if let Some(binary) = Binary::read(data) {
        let _ = (binary.machines(), binary.python_imports().len(), binary.module_inits().len());
    }
    let _ = wheelwright_artifacts::binary::pe::volatile(data);
});
