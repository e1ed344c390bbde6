//! The time that stands for no time.

/// 1980-01-01 00:00:00 UTC in seconds since 1970: where the time of zip files
/// begins. Builds that fix their times, this program's own among them, give it
/// to the linker too.
pub const ZIP_EPOCH: u64 = 315_532_800;
