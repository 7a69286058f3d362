//! Linux: sealed memory, and what is mapped according to `/proc/self/maps`.

use super::{Handle, Mapped, SealFailure, Spelling, mapping, unix};
use crate::error::OsText;
use crate::image::Identity;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

/// The flag that makes a library prefer its own symbols. musl has no such thing.
#[cfg(not(target_env = "musl"))]
pub(crate) const DEEP_BIND: c_int = libc::RTLD_DEEPBIND;
#[cfg(target_env = "musl")]
pub(crate) const DEEP_BIND: c_int = 0;

/// The kernel tells which file is mapped.
pub(crate) const MAPPED_IS_TOLD_BY_PATH: bool = false;

/// The most descriptors of sealed images that are kept. A soft limit of 1024 open files is usual.
const KEPT: usize = 64;

/// Makes a file in memory, lets `fill` write it, and seals it.
pub(crate) fn seal<E>(
    name: &str,
    fill: impl FnOnce(&File) -> Result<(), E>,
) -> Result<File, SealFailure<E>> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Says that the file may be executed, which is what the system's setting vm.memfd_noexec=1 asks for. Kernels before
    // 6.3 do not know the flag. (The dynamic linker maps the file either way; a security module may look at its mode.)
    let made = match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        other => other,
    };
    let file = File::from(made.map_err(|error| SealFailure::Unavailable(error.into()))?);
    fill(&file).map_err(SealFailure::Fill)?;
    let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(&file, seals).map_err(|error| SealFailure::Unavailable(error.into()))?;
    // The kernel's word that they are on, not only that it was asked.
    match fcntl_get_seals(&file) {
        Ok(on) if on.contains(seals) => Ok(file),
        Ok(_) => Err(SealFailure::Unavailable(io::Error::other(
            "the seals are not on",
        ))),
        Err(error) => Err(SealFailure::Unavailable(error.into())),
    }
}

/// Has the kernel copy the first bytes of a file into an empty one, without a way through this process's memory, and returns
/// how many it copied: fewer than `size` where it cannot or the file ends.
///
/// `sendfile`, since `copy_file_range` into a memory file is refused across file systems, and on some kernels copies nothing
/// and says that it is done.
pub(crate) fn transfer(from: &File, to: &File, size: u64) -> u64 {
    let mut offset = 0;
    while offset < size {
        let rest = usize::try_from(size - offset).unwrap_or(usize::MAX);
        match rustix::fs::sendfile(to, from, Some(&mut offset), rest) {
            Ok(1..) | Err(Errno::INTR) => {}
            // The file's end; or a file system that cannot hand pages on. Whatever it is, who reads will be told.
            Ok(0) | Err(_) => break,
        }
    }
    offset
}

/// A path through which the dynamic linker can open a descriptor, never used before: descriptor numbers are used again.
///
/// It names the process by its number and not as `self`, because a debugger that opens it would find *itself* there. The
/// number is the one that this `/proc` knows: in a container it can differ from `getpid`'s.
pub(crate) fn descriptor_spelling(file: &File) -> io::Result<Spelling> {
    let process = fs::read_link("/proc/self")?;
    let path = Path::new("/proc")
        .join(process)
        .join("fd")
        .join(file.as_raw_fd().to_string());
    unix::fresh_spelling(&path).ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// Keeps a descriptor open, so that debuggers and backtraces can read the library through the path that the dynamic linker
/// remembers. Beyond a limit the oldest is closed; nothing but debugging depends on it.
pub(crate) fn keep_for_debuggers(file: File) {
    static FILES: Mutex<VecDeque<File>> = Mutex::new(VecDeque::new());
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    files.push_back(file);
    let oldest = if files.len() > KEPT {
        files.pop_front()
    } else {
        None
    };
    drop(files);
    drop(oldest);
}

/// Whether the kernel says that the process has more rights than who started it.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: getauxval has no preconditions; it reads what the kernel handed to the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Compares what the dynamic linker mapped under a handle with a file.
pub(crate) fn mapped(
    handle: Handle,
    identity: Identity,
    file: &dyn Fn() -> io::Result<File>,
) -> io::Result<Mapped> {
    // The dynamic section lies in a mapping of the library's file.
    let address = anchor(handle);
    let address = address.ok_or_else(|| {
        io::Error::other("the dynamic linker does not say where it mapped the library")
    })?;
    mapping::compare(address, identity, file)
}

/// The value of a symbol of a certain version.
#[cfg(target_env = "gnu")]
pub(crate) fn versioned_symbol(
    handle: Handle,
    name: &CStr,
    version: &CStr,
) -> Result<*mut c_void, OsText> {
    // SAFETY: the handle is one that `dlopen` returned and nobody closed, and both names end in a byte 0.
    Ok(unsafe { libc::dlvsym(handle.as_ptr(), name.as_ptr(), version.as_ptr()) })
}

/// The value of a symbol of a certain version. Only glibc has such a question.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn versioned_symbol(
    _handle: Handle,
    _name: &CStr,
    _version: &CStr,
) -> Result<*mut c_void, OsText> {
    Err(OsText::new(
        c"this system's dynamic linker does not look up versions",
    ))
}

/// The beginning of glibc's and musl's public `struct link_map` (`<link.h>`).
#[repr(C)]
pub(super) struct LinkMap {
    _load_bias: usize,
    name: *const c_char,
    dynamic: *const c_void,
    /// The library that was loaded after it.
    pub(super) next: *const Self,
}

/// `RTLD_DI_LINKMAP` in glibc's and musl's `<dlfcn.h>`.
const LINK_MAP: c_int = 2;

unsafe extern "C" {
    /// In glibc and musl; the libc crate has it for glibc only.
    fn dlinfo(handle: *mut c_void, request: c_int, argument: *mut c_void) -> c_int;
}

/// The dynamic linker's entry of a library.
pub(super) fn link_map(handle: Handle) -> Option<&'static LinkMap> {
    let mut map: *const LinkMap = ptr::null();
    // SAFETY: the handle is open; the request writes one pointer to where the third argument points.
    let failed = unsafe { dlinfo(handle.as_ptr(), LINK_MAP, ptr::from_mut(&mut map).cast()) };
    if failed != 0 {
        return None;
    }
    // SAFETY: the entry of an open library begins with the fields of `LinkMap`, and is used in this module only while the
    // library is open.
    unsafe { map.as_ref() }
}

/// The address of the library's dynamic section, which lies in a mapping of its file and tells it from others.
pub(crate) fn anchor(handle: Handle) -> Option<usize> {
    link_map(handle).map(|map| map.dynamic.addr())
}

/// The dynamic linker's name for a library.
pub(crate) fn linker_name(handle: Handle) -> PathBuf {
    let Some(name) = link_map(handle)
        .map(|map| map.name)
        .filter(|name| !name.is_null())
    else {
        return PathBuf::new();
    };
    // SAFETY: it is not null, and a string that stays as long as the library is open.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file of a library that this very program uses, and its handle.
    fn own(name: &CStr) -> (Handle, File) {
        // SAFETY: it is loaded already.
        let handle = unsafe { unix::open_with(name, libc::RTLD_LAZY | libc::RTLD_NOLOAD) }.unwrap();
        let address = format!("{:x}", anchor(handle).unwrap());
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let inside = |line: &&str| {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            start.len() == address.len() && start <= address.as_str() && address.as_str() < end
        };
        let path = maps
            .lines()
            .find(inside)
            .unwrap()
            .split_whitespace()
            .last()
            .unwrap();
        (handle, File::open(path).unwrap())
    }

    #[test]
    fn what_is_mapped_is_told_from_other_files() {
        let (libc, libc_file) = own(c"libc.so.6");
        let (libgcc, libgcc_file) = own(c"libgcc_s.so.1");
        let compare = |library, file: &File| {
            let identity = crate::os::look(file).unwrap().identity;
            mapped(library, identity, &|| file.try_clone()).unwrap()
        };
        assert_eq!(compare(libc, &libc_file), Mapped::This);
        assert_eq!(compare(libgcc, &libgcc_file), Mapped::This);
        assert_eq!(compare(libc, &libgcc_file), Mapped::Another);
        assert_eq!(compare(libgcc, &libc_file), Mapped::Another);
    }
}
