//! The depth *symbols* on made libraries of every class and byte order, and agreement with
//! `readelf` on the machine's own.

use std::fs;
use std::io::Write as _;

use plugwright_inspect::{Binding, Code, Links, SymbolKind, open, symbols};
use plugwright_testkit::elf::{AARCH64, ElfBuilder, Endian, HashStyle, POWERPC, Width, X86_64};

#[test]
fn exports_and_imports() {
    for (width, endian, machine) in [
        (Width::Bits64, Endian::Little, X86_64),
        (Width::Bits64, Endian::Big, AARCH64),
        (Width::Bits32, Endian::Big, POWERPC),
    ] {
        let file = ElfBuilder::new(width, endian, machine)
            .export("function")
            .export_as("data", 0x11, Some("X_1"))
            .export_as("weak", 0x22, None)
            .export_as("unique", 0xa1, None)
            .export_as("chosen", 0x1a, Some("X_2"))
            .export_as("local", 0x02, None)
            .import("wanted", Some(("libc.so.6", "GLIBC_2.34")))
            .weak_import("maybe")
            .hash(HashStyle::Both)
            .build();
        let found = symbols(file.bytes(), None);
        assert_eq!(found.problems, []);
        let image = &found.images[0];
        let export = |name: &str| {
            let found = image.exports.iter().find(|symbol| symbol.name == name);
            found.map(|symbol| {
                (
                    symbol.kind,
                    symbol.binding,
                    symbol.version.as_ref().map(ToString::to_string),
                )
            })
        };
        let version = |text: &str| Some(text.to_owned());
        assert_eq!(
            export("function"),
            Some((SymbolKind::Function, Binding::Global, None))
        );
        assert_eq!(
            export("data"),
            Some((SymbolKind::Object, Binding::Global, version("X_1")))
        );
        assert_eq!(
            export("weak"),
            Some((SymbolKind::Function, Binding::Weak, None))
        );
        assert_eq!(
            export("unique"),
            Some((SymbolKind::Object, Binding::Unique, None))
        );
        assert_eq!(
            export("chosen"),
            Some((
                SymbolKind::IndirectFunction,
                Binding::Global,
                version("X_2")
            ))
        );
        assert_eq!(export("local"), None);
        let [wanted, maybe] = &image.imports[..] else {
            panic!("two imports: {:?}", image.imports);
        };
        assert_eq!(
            (&wanted.name, maybe.binding),
            (&"wanted".into(), Binding::Weak)
        );
        assert_eq!(wanted.library.as_ref().expect("a library"), "libc.so.6");
        assert_eq!(wanted.version.as_ref().expect("a version"), "GLIBC_2.34");
    }
}

const GLOB_DAT: u32 = 6;
const RELATIVE: u32 = 8;
const IRELATIVE: u32 = 37;

#[test]
fn relocations_by_kind() {
    let builder = ElfBuilder::x86_64()
        .import("wanted", None)
        .export("function")
        .relocation(GLOB_DAT, Some("wanted"), 0)
        .relocation(RELATIVE, None, 0x1000)
        .relocation(RELATIVE, None, 0x1008)
        .relocation(IRELATIVE, None, 0x1000);
    let found = symbols(builder.build().bytes(), None);
    assert_eq!(found.problems, []);
    let counted = found.images[0].relocations.as_ref().expect("ELF");
    assert_eq!(
        (counted.symbols, counted.relative, counted.indirect),
        (1, 2, 1)
    );
}

/// A library that exports nothing has an empty hash table, which counts no symbols.
#[test]
fn symbols_without_a_hash_table_that_counts_them() {
    let builder = ElfBuilder::x86_64()
        .import("first", None)
        .import("second", None)
        .relocation(GLOB_DAT, Some("second"), 0);
    let found = symbols(builder.build().bytes(), None);
    assert_eq!(found.problems, []);
    let names: Vec<_> = found.images[0]
        .imports
        .iter()
        .map(|symbol| symbol.name.to_string())
        .collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn damaged_relocations() {
    let good = || {
        let builder = ElfBuilder::x86_64()
            .import("wanted", None)
            .export("function");
        builder.relocation(GLOB_DAT, Some("wanted"), 0).build()
    };
    // Into code, outside the library, for a symbol that it does not have.
    for (field, value) in [(0, 0x1000), (0, 0xdead_beef_0000), (8, 0x7777 << 32 | 6)] {
        let mut file = good();
        let (at, _) = file.place(".rela.dyn");
        file.write(at + field, 8, value);
        let found = symbols(file.bytes(), None);
        assert_eq!(crate::codes(&found.problems), [Code::RelocationInvalid]);
        assert!(!found.is_sound());
    }
}

/// Number of dynamic symbols that `readelf` counts, with SONAME, needed libraries, run path
/// and build id as it prints them.
#[derive(Debug, Default, PartialEq)]
struct Facts {
    defined: usize,
    undefined: usize,
    relocations: usize,
    relative: usize,
    soname: Option<String>,
    needed: Vec<String>,
    run_path: Option<String>,
    build_id: Option<String>,
}

fn of_readelf(path: &std::path::Path) -> Facts {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test asks the tool it compares with"
    )]
    let output = std::process::Command::new("readelf")
        .args(["-W", "-d", "-n", "-r", "--dyn-syms"])
        .arg(path)
        .env("LC_ALL", "C")
        .output()
        .expect("readelf runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut facts = Facts::default();
    for line in text.lines() {
        let bracket = || {
            let (_, rest) = line.split_once('[')?;
            rest.rsplit_once(']').map(|(name, _)| name.to_owned())
        };
        // GNU's kinds have names only in files that are marked as GNU's.
        let line = &line.replace("<OS specific>: 10", "UNIQUE");
        let words: Vec<&str> = line.split_whitespace().collect();
        if line.contains("(SONAME)") {
            facts.soname = bracket();
        } else if line.contains("(NEEDED)") {
            facts.needed.extend(bracket());
        } else if line.contains("(RUNPATH)") {
            facts.run_path = bracket();
        } else if let Some((_, id)) = line.split_once("Build ID: ") {
            facts.build_id = Some(id.trim().to_owned());
        } else if words.len() >= 7
            && words[0].ends_with(':')
            && matches!(words[4], "GLOBAL" | "WEAK" | "UNIQUE")
        {
            // 12: 00001 5 FUNC GLOBAL DEFAULT UND name
            if words[6] == "UND" {
                facts.undefined += usize::from(words[4] != "UNIQUE");
            } else if words[1].chars().any(|digit| digit != '0')
                || words[3] == "TLS"
                || words[6] == "ABS"
            {
                facts.defined += 1;
            }
        } else if words.len() >= 3 && words[2].starts_with("R_") {
            facts.relocations += 1;
            facts.relative += usize::from(words[2] == "R_X86_64_RELATIVE");
        }
    }
    facts
}

#[test]
fn agreement_with_readelf() {
    let folder = "/usr/lib/x86_64-linux-gnu";
    if fs::metadata("/usr/bin/readelf").is_err() || fs::metadata(folder).is_err() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no readelf or no {folder}"
        );
        return;
    }
    let mut compared = 0;
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        // Larger ones say the same for more time.
        .filter(|path| {
            fs::symlink_metadata(path).is_ok_and(|data| data.is_file() && data.len() < 1 << 20)
        })
        .collect();
    paths.sort();
    for path in paths {
        let file = open(&path, Links::Refuse).expect("a file");
        let found = symbols(&file, path.file_name());
        let Some(image) = found.images.first().filter(|_| found.problems.is_empty()) else {
            continue;
        };
        let text = |text: &plugwright_inspect::Untrusted| text.to_string();
        let elf = image.headers.elf().expect("ELF");
        let relocations = image.relocations.as_ref().expect("ELF");
        let count = |number: u64| usize::try_from(number).expect("few");
        let ours = Facts {
            defined: image.exports.len(),
            undefined: image.imports.len(),
            relocations: relocations
                .by_type
                .values()
                .map(|number| count(*number))
                .sum(),
            relative: count(relocations.by_type.get(&8).copied().unwrap_or_default()),
            soname: image.headers.name.as_ref().map(text),
            needed: image.headers.needed.iter().map(text).collect(),
            run_path: image.headers.run_path.as_ref().map(text),
            build_id: elf.build_id.clone(),
        };
        assert_eq!(ours, of_readelf(&path), "{}", path.display());
        compared += 1;
    }
    drop(writeln!(
        std::io::stderr().lock(),
        "compared with readelf: {compared} files"
    ));
    assert!(
        compared >= crate::least_compared(200),
        "{compared} compared"
    );
}
