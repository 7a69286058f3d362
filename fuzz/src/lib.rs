//! What each fuzz target does with the bytes that it is given.
//!
//! A target is a function that takes any bytes and returns; a panic, an endless loop or memory
//! without bound is a find. It touches no file. The functions stand apart from the fuzzer, so
//! that an ordinary test replays the corpora with a stable compiler: `crates/inspect/tests`
//! includes this file as a module.

pub mod calls;
pub mod closure;
pub mod elf;
pub mod foreign;
pub mod macho;
pub mod manifest;
pub mod pe;
pub mod qt;
pub mod reading;
pub mod seeds;
pub mod trust;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: of the program, of the folder with its corpus, of its dictionary.
    pub name: &'static str,
    /// What it does with the bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "elf",
        run: elf::run,
    },
    Target {
        name: "macho",
        run: macho::run,
    },
    Target {
        name: "pe",
        run: pe::run,
    },
    Target {
        name: "qt",
        run: qt::run,
    },
    Target {
        name: "manifest",
        run: manifest::run,
    },
    Target {
        name: "closure",
        run: closure::run,
    },
    Target {
        name: "foreign",
        run: foreign::run,
    },
    Target {
        name: "trust",
        run: trust::run,
    },
    Target {
        name: "calls",
        run: calls::run,
    },
];
