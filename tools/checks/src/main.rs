//! checks

fn main() {}
