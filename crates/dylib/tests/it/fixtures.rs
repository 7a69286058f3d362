//! Small libraries from the system's C compiler, and short names for loading them.

use plugwright_dylib::{Hints, Image, Library, LoadError};
use plugwright_testkit::cc;
use std::ffi::{OsStr, c_int};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A library whose `number` returns `number`, and whose `count` says how often it was called.
pub(crate) fn numbered(number: u32) -> PathBuf {
    let source = format!(
        "static int calls; int count(void) {{ return ++calls; }} int number(void) {{ return {number}; }}"
    );
    cc::shared("libnumbered.so", &source, &[])
}

/// A library whose constructor makes a file at `mark`.
pub(crate) fn marking(mark: &Path) -> PathBuf {
    let source = format!(
        "#include <fcntl.h>\n#include <unistd.h>\n\
         __attribute__((constructor)) static void mark(void) {{ close(open({mark:?}, O_CREAT | O_WRONLY, 0600)); }}"
    );
    cc::shared("libmarking.so", &source, &[])
}

pub(crate) fn seal(path: &Path) -> Image {
    Image::seal(&File::open(path).unwrap(), path.file_name().unwrap()).unwrap()
}

pub(crate) fn in_place(path: &Path) -> Result<Image, LoadError> {
    Image::in_place(path, File::open(path).unwrap())
}

pub(crate) fn load(image: Image) -> Result<Library, LoadError> {
    // SAFETY: every library in these tests has harmless constructors or none.
    unsafe { Library::load(image, Hints::new()) }
}

#[track_caller]
pub(crate) fn call(library: &Library, name: &str) -> c_int {
    let name = std::ffi::CString::new(name).unwrap();
    // SAFETY: all functions of these fixtures that are called this way have this type.
    let function = unsafe { library.function::<extern "C" fn() -> c_int>(&name) };
    function.unwrap()()
}

pub(crate) fn os(text: &str) -> &OsStr {
    OsStr::new(text)
}
