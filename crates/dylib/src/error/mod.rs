//! Why something failed: what was asked for, every attempt, and the system's own words.

mod load;
mod symbol;

pub use load::{Attempt, LoadError, LoadErrorKind, OsText};
pub use symbol::{ResolveError, SymbolError, SymbolErrorKind};
