//! Plugins for Rust programs: discovered without running, checked before loading, called through ordinary traits.
