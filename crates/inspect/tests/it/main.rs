//! The reader against files built byte by byte, and against Qt's own tool.

mod bad_input;
#[cfg(unix)]
mod closure;
mod closure_agreement;
mod corpora;
mod corrupt_elf;
mod crates;
mod folder;
mod kinds;
mod macho;
mod manifests;
mod metadata;
mod mutations;
#[cfg(target_os = "linux")]
mod objdump;
mod pe;
mod qt_agreement;
mod reads;
mod records;
mod rows;
mod scan;
mod structure;
mod symbols;
#[cfg(target_os = "linux")]
mod tools;

use plugwright_inspect::{Code, Problem};

/// The codes of problems, for comparison.
fn codes(problems: &[Problem]) -> Vec<Code> {
    problems.iter().map(|problem| problem.code).collect()
}

/// How many files of the machine have to be compared at least: `count` where the packages of
/// continuous integration are installed, so that an empty comparison is no agreement.
fn least_compared(count: usize) -> usize {
    match std::env::var_os("PLUGWRIGHT_REQUIRE_QT") {
        Some(_) => count,
        None => 1,
    }
}

/// Qt 6's header and CBOR: interface `a`, class `B`, metadata `{"Keys":["k"]}`.
const QT6: &[u8] = b"\x01\x06\x04\x01\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff";

/// The same of Qt 5.15, without the metadata.
const QT5: &[u8] = b"\x00\x05\x0f\x00\xbf\x02\x61a\x03\x61B\xff";
