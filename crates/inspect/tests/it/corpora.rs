//! The corpora of the fuzz targets, and every input that once made one fail, replayed.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "a crate of its own for the fuzzer, a module here"
)]
mod targets;

/// The folder `fuzz` of this repository.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn replay(kind: &str, target: targets::Target) -> usize {
    let folder = folder().join(kind).join(target.name);
    let Ok(entries) = fs::read_dir(&folder) else {
        return 0;
    };
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).expect("an input");
        // The name is what one looks for when this fails.
        let outcome = std::panic::catch_unwind(|| (target.run)(&bytes));
        assert!(
            outcome.is_ok(),
            "{} fails on {}",
            target.name,
            path.display()
        );
        count += 1;
    }
    count
}

#[test]
fn every_corpus_holds() {
    for target in targets::TARGETS {
        assert!(
            replay("corpus", target) > 0,
            "no corpus for {}",
            target.name
        );
        assert!(
            folder()
                .join("dictionaries")
                .join(target.name)
                .with_extension("dict")
                .is_file(),
            "no dictionary for {}",
            target.name
        );
    }
}

/// What once failed: each file's name says why.
#[test]
fn every_past_find_holds() {
    for target in targets::TARGETS {
        replay("finds", target);
    }
}

/// The seeds in the corpora are what the test kit builds. `PLUGWRIGHT_BLESS=1` writes them.
#[test]
fn seeds_are_what_the_test_kit_builds() {
    for (target, name, bytes) in targets::seeds::all() {
        let path = folder()
            .join("corpus")
            .join(target)
            .join(format!("seed-{name}"));
        if std::env::var_os("PLUGWRIGHT_BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, &bytes).expect("a seed");
        }
        let found = fs::read(&path).unwrap_or_default();
        assert!(
            found == bytes,
            "{target}'s seed {name} is another: PLUGWRIGHT_BLESS=1 cargo test -p plugwright-inspect seeds_are"
        );
    }
}
