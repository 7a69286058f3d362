//! One step down from an open folder, in the system's safest way; and whether this process has rights that who started it
//! has not.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod unix;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{Steps, is_privileged};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use unix::{Steps, is_privileged};
