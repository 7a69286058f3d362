//! The text of a review, as a person reads and signs it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use plugwright_audit::{Options, Target, Tier};
use plugwright_testkit::elf::ElfBuilder;

#[test]
fn the_review_of_a_clean_library() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("libclean.so.1");
    let library = ElfBuilder::x86_64()
        .soname("libclean.so.1")
        .needed("libc.so.6")
        .export("clean")
        .dynamic_value(30, 8)
        .build();
    fs::write(&path, library.bytes()).expect("written");
    for (path, mode) in [(folder.path(), 0o755), (&path, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    }
    let options = Options::new(Tier::Files).with_system_root(folder.path().to_owned());
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
    let (before, rest) = text
        .split_once(" looked at ")
        .map_or((&text[..], ""), |(a, b)| (a, b));
    let rest = rest.split_once(" things").map_or(rest, |(_, rest)| rest);
    insta::assert_snapshot!(format!("{before} looked at N things{rest}"));
}
