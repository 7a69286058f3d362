//! The attribute and derive macros of plugwright-plugin.
