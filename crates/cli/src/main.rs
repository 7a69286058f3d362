//! The program `plugwright`.

fn main() {}
