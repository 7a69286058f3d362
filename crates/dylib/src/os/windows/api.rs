//! The functions of `kernel32.dll` that this crate calls, as Microsoft's headers declare them.
//!
//! A dozen declarations of functions that have not changed since Windows 7: the `windows-sys` crate would bring tens of thousands.

#![expect(clippy::upper_case_acronyms, reason = "the headers' own names")]

use std::ffi::{c_char, c_void};

pub(super) type BOOL = i32;
pub(super) type DWORD = u32;
pub(super) type HANDLE = *mut c_void;
/// The address at which a library is mapped.
pub(super) type HMODULE = *mut c_void;

/// `<errhandlingapi.h>`: no box for a library that is damaged or misses another one, and none for a file that is not found.
pub(super) const SEM_FAILCRITICALERRORS: DWORD = 0x0001;
pub(super) const SEM_NOOPENFILEERRORBOX: DWORD = 0x8000;

/// `<libloaderapi.h>`: what a library needs is looked for in its own folder, too.
pub(super) const LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR: DWORD = 0x0100;
/// The program's folder, those of `AddDllDirectory` and the system's; neither the current one nor those of `PATH`.
pub(super) const LOAD_LIBRARY_SEARCH_DEFAULT_DIRS: DWORD = 0x1000;
/// The library stays until the process ends.
pub(super) const GET_MODULE_HANDLE_EX_FLAG_PIN: DWORD = 1;
/// The library is not counted as opened once more.
pub(super) const GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT: DWORD = 2;
/// The name is an address inside the library.
pub(super) const GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS: DWORD = 4;

/// `BY_HANDLE_FILE_INFORMATION` in `<fileapi.h>`.
#[repr(C)]
#[derive(Default)]
pub(super) struct FileInformation {
    pub(super) attributes: DWORD,
    /// Three times of two numbers each.
    _times: [DWORD; 6],
    pub(super) volume: DWORD,
    pub(super) size_high: DWORD,
    pub(super) size_low: DWORD,
    _links: DWORD,
    pub(super) index_high: DWORD,
    pub(super) index_low: DWORD,
}

#[link(name = "kernel32")]
unsafe extern "system" {
    pub(super) fn LoadLibraryExW(name: *const u16, file: HANDLE, flags: DWORD) -> HMODULE;
    pub(super) fn FreeLibrary(library: HMODULE) -> BOOL;
    pub(super) fn GetProcAddress(library: HMODULE, name: *const c_char) -> *mut c_void;
    pub(super) fn GetModuleHandleExW(flags: DWORD, name: *const u16, library: *mut HMODULE)
    -> BOOL;
    pub(super) fn GetModuleFileNameW(library: HMODULE, path: *mut u16, size: DWORD) -> DWORD;
    pub(super) fn GetSystemDirectoryW(path: *mut u16, size: DWORD) -> DWORD;
    pub(super) fn SetThreadErrorMode(mode: DWORD, before: *mut DWORD) -> BOOL;
    pub(super) fn GetCurrentProcess() -> HANDLE;
    pub(super) fn GetFileInformationByHandle(file: HANDLE, told: *mut FileInformation) -> BOOL;
    /// `<psapi.h>`, in `kernel32.dll` since Windows 7.
    pub(super) fn K32EnumProcessModules(
        process: HANDLE,
        libraries: *mut HMODULE,
        size: DWORD,
        needed: *mut DWORD,
    ) -> BOOL;
}
