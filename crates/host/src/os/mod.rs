//! What differs between systems.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::{for_this_user, is_writable_by_others};
#[cfg(unix)]
pub(crate) use unix::{for_this_user, is_writable_by_others};
