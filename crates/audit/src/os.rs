//! What the system says of a file's privileges.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::runs_as_owner;
#[cfg(unix)]
pub(crate) use unix::runs_as_owner;
