//! The plugin author's crate: traits across a stable boundary, one macro, no unsafe code.
