//! Builds the objects, folders and plugins that the tests need.

pub mod cargo;
#[cfg(unix)]
pub mod cc;
pub mod elf;
pub mod json_schema;
pub mod macho;
pub mod pe;
