//! Row by row what Qt's own tests of its plugin loader try on damaged files
//! (`tst_qpluginloader`, `tst_qplugin`), rebuilt on objects of the test kit.
//!
//! Each entry of these tables is one row and its own check: it has the row's subject as its
//! name and states what has to be told. Where Qt asks only that loading fails, here the
//! reason is compared, and on Linux the loader's answer with what the loader really does.
//!
//! | rows of Qt | table | entries |
//! |---|---|---|
//! | corrupt ELF, common, on a plugin with the new and one with the old form | [`elf::COMMON`] | 24 × 2 |
//! | corrupt ELF, notes | [`elf::NOTES`] | 6 |
//! | corrupt ELF, old form (sections) | [`elf::SECTIONS`] | 18 |
//! | file with debug information only; section table stripped | [`elf::WHOLE`] | 2 |
//! | scan of invalid plugins | [`scan::ROWS`] | 8 |
//! | Mach-O | [`macho::ROWS`] | 24 |

mod elf;
mod macho;
mod scan;

use plugwright_inspect::{Code, Loader, Problem, ReadAt, headers, identity};

/// What has to come of a file.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// A problem with this code and answer of the loader, whose line goes on so.
    Problem(Code, Loader, &'static str),
    /// Nothing is wrong with the file, and it has no metadata.
    NoMetadata,
    /// Nothing is wrong with the file, and it has metadata.
    Metadata,
}

/// One row.
struct Row<F: 'static> {
    /// What is damaged, in the words of Qt's test.
    name: &'static str,
    /// How: on a good file.
    spoil: fn(&mut F),
    told: Told,
}

/// Reads the file at both depths that tell structure, and compares.
fn check(name: &str, bytes: &[u8], told: Told) {
    let quick = identity(bytes, None);
    let full = headers(bytes, None);
    for problems in [&quick.problems, &full.problems] {
        match told {
            Told::Problem(code, loader, line) => {
                let found = problems.iter().find(|problem| problem.code == code);
                let found =
                    found.unwrap_or_else(|| panic!("{name}: {code} is not among {problems:?}"));
                assert_eq!(found.loader, loader, "{name}: {found}");
                // A file without bytes has no place.
                let placed = found.offset.is_some() || code == Code::EmptyFile;
                assert!(placed, "{name}: {found}");
                let whole = found.to_string();
                let rest = whole.strip_prefix(code.as_str()).unwrap_or(&whole);
                assert!(rest.starts_with(line), "{name}: {rest:?} is not {line:?}");
            }
            Told::NoMetadata | Told::Metadata => assert_eq!(problems[..], [], "{name}"),
        }
    }
    let metadata = |image: &plugwright_inspect::Image| image.qt.is_some();
    let has = full.images.iter().any(|image| metadata(&image.image));
    assert_eq!(has, quick.images.iter().any(metadata), "{name}");
    match told {
        Told::Metadata => assert!(has, "{name}: no metadata"),
        Told::NoMetadata => assert!(!has, "{name}: metadata"),
        Told::Problem(..) => {}
    }
}

/// The system's loader does nothing worse with an ELF file than the problems say.
fn compare_with_loader(name: &str, bytes: &[u8], problems: &[Problem]) {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) || bytes.size() == 0 {
        return;
    }
    let told = problems.iter().map(|problem| problem.loader).max();
    let (measured, text) = crate::structure::measure(bytes);
    assert!(
        measured <= told.unwrap_or(Loader::Accepts),
        "{name}: told {told:?}, but the loader: {measured:?} {text}"
    );
}

/// The counts that the README states.
#[test]
fn the_readme_counts_the_rows() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let text = std::fs::read_to_string(readme).expect("the README");
    let words: Vec<&str> = text.split_whitespace().collect();
    let stated = format!(
        "{} faults of ELF headers and segments, each on two plugins, {} of notes, {} of sections, \
         {} of whole files, {} of metadata and {} of Mach-O files",
        elf::COMMON.len(),
        elf::NOTES.len(),
        elf::SECTIONS.len(),
        elf::WHOLE.len(),
        scan::ROWS.len(),
        macho::ROWS.len(),
    );
    assert!(
        words.join(" ").contains(&stated),
        "the README does not say: {stated}"
    );
}
