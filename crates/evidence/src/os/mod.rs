//! One step down from an open folder, in the system's safest way.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod unix;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::Steps;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use unix::Steps;
