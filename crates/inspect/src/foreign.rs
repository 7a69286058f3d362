//! Files that are no libraries: what they are instead.

use crate::problem::{Code, Loader, Problem, quote};

/// Marks at the start of files that turn up in folders of plugins.
const MARKS: &[(&[u8], &str)] = &[
    (b"#!", "a script"),
    (b"!<arch>\n", "an archive of object files"),
    (b"!<thin>\n", "an archive of object files"),
    (b"/* GNU ld script", "a script of the GNU linker"),
    (b"INPUT(", "a script of the GNU linker"),
    (b"GROUP ( ", "a script of the GNU linker"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"BZh", "bzip2 data"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\0asm", "a WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// The problem that a file without a known object format has.
pub(crate) fn describe(head: &[u8], size: u64) -> Problem {
    if size == 0 {
        return Problem::new(
            Code::EmptyFile,
            Loader::Refuses,
            None,
            "a library",
            "no bytes",
        );
    }
    let marked = MARKS.iter().find(|(mark, _)| head.starts_with(mark));
    let found = match marked {
        Some((_, name)) => (*name).to_owned(),
        None if is_text(head) => "text".to_owned(),
        None => {
            let shown = head.get(..16).unwrap_or(head);
            format!("data that begins with {}", quote(shown))
        }
    };
    Problem::new(
        Code::NotALibrary,
        Loader::Refuses,
        0,
        "a library in ELF, Mach-O or PE",
        found,
    )
}

/// Whether the bytes are text: UTF-8 but for a character cut off at the end, without NUL.
fn is_text(head: &[u8]) -> bool {
    let whole = match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    whole && !head.contains(&0)
}
