//! wheelwright

fn main() {}
