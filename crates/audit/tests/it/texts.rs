//! The text of a review, as a person reads and signs it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use plugwright_audit::{Options, Target, Tier};
use plugwright_testkit::elf::ElfBuilder;

/// The review of a library that lies alone in a folder which nobody else can write, without what only this machine has.
fn text_of(library: &ElfBuilder, tier: Tier) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libclean.so.1");
    fs::write(&path, library.build().bytes()).expect("written");
    for (path, mode) in [(folder.path(), 0o755), (&path, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }
    let options = Options::new(tier).with_system_root(folder.path().to_owned());
    let text = plugwright_audit::review(&[Target::path(&path)], &options).to_string();
    let own = fs::metadata(&path).expect("there");
    let text = text
        .replace(folder.path().to_str().expect("text"), "/opt/app/lib")
        .replace(&format!("user {}", own.uid()), "user U")
        .replace(&format!("group {}", own.gid()), "group G")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    // Where temporary folders lie, and what the system has, is not the library's.
    let lines = text.lines().map(|line| {
        let moves = line.contains("folders above") || line.contains("no folder of");
        let counts = [" D02 ", " D03 ", " D16 "];
        match line.split_once(" among ") {
            _ if moves => "  (the folders above)".to_owned(),
            Some((start, _)) if counts.iter().any(|id| line.contains(id)) => {
                format!("{start} among N")
            }
            _ => line.to_owned(),
        }
    });
    let text: Vec<String> = lines.collect();
    let text = text.join("\n");
    // How much was looked at depends on the folders above, and with its length the end of each line.
    let (pillars, overall) = text.split_once("\nOVERALL\n").expect("an assessment");
    let (paragraph, rest) = overall.split_once("\n\n").expect("what is not covered");
    let paragraph = paragraph.replace("\n  ", " ");
    let text = format!("{pillars}\nOVERALL\n{paragraph}\n\n{rest}");
    let (before, rest) = text.split_once(" looked at ").expect("what it rests on");
    let (_, rest) = rest.split_once(" things").expect("how much");
    format!("{before} looked at N things{rest}")
}

/// Bound at once, read-only once it is relocated, with a name of its own.
fn library() -> ElfBuilder {
    ElfBuilder::x86_64()
        .soname("libclean.so.1")
        .export("clean")
        .dynamic_value(30, 8)
        .relro()
}

/// Only where the loader is the one that the library was made for is it asked what it brings in.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_review_of_a_clean_library() {
    let text = text_of(&library(), Tier::Closure);
    assert!(text.contains("Nothing was found."), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn the_review_of_a_library_with_findings() {
    let library = library()
        .needed("libb.so.1")
        .runpath("plugins:/tmp")
        .import("gets", None)
        .relocation(6, Some("gets"), 0);
    insta::assert_snapshot!(text_of(&library, Tier::Files));
}
