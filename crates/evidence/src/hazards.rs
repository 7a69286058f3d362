//! What the bytes ask the system's loader to do, in the judge's words.

use plugwright_inspect::{ElfFacts, ImageHeaders, ImageSymbols, Untrusted};
use plugwright_trust::{Hazard, HazardKind};
use std::collections::BTreeSet;

/// What in this image reaches beyond the library itself: entries of ld.so(8)'s dynamic section and of the program headers.
/// An image of another format than ELF has none of them.
#[must_use]
pub fn hazards(image: &ImageHeaders) -> Vec<Hazard> {
    let Some(elf) = image.elf() else {
        return Vec::new();
    };
    let mut hazards = Vec::new();
    let mut add = |kind, found: &dyn ToString| hazards.push(Hazard::new(kind, found.to_string()));
    for name in &elf.auditors {
        add(HazardKind::Auditor, name);
    }
    for name in &elf.filters {
        add(HazardKind::Filter, name);
    }
    for path in elf.rpath.iter().chain(&image.run_path) {
        if depends_on_current_folder(path) {
            add(
                HazardKind::RunPath,
                &format_args!("the run path \"{path}\""),
            );
        }
    }
    for name in &image.needed {
        if name.as_bytes().contains(&b'/') {
            add(HazardKind::NeededPath, name);
        }
    }
    flags(elf, &mut add);
    hazards
}

fn flags(elf: &ElfFacts, add: &mut dyn FnMut(HazardKind, &dyn ToString)) {
    match elf.executable_stack {
        Some(false) => {}
        Some(true) => add(HazardKind::ExecutableStack, &"a PT_GNU_STACK that says so"),
        // The kernel's and the loader's default is an executable one.
        None => add(
            HazardKind::ExecutableStack,
            &"no PT_GNU_STACK, which means the same",
        ),
    }
    if elf.writable_code > 0 {
        let found = format!("{} such segments", elf.writable_code);
        add(HazardKind::WritableCode, &found);
    }
    if elf.flags.text_relocations {
        add(HazardKind::TextRelocations, &"DT_TEXTREL");
    }
    if elf.flags.init_first {
        add(HazardKind::InitFirst, &"DF_1_INITFIRST");
    }
    if elf.flags.global {
        add(HazardKind::Interposes, &"DF_1_GLOBAL");
    }
    if elf.flags.interpose {
        add(HazardKind::Interposes, &"DF_1_INTERPOSE");
    }
}

/// Whether an element of the run path is empty or relative, both of which mean the current folder.
fn depends_on_current_folder(path: &Untrusted) -> bool {
    let whole = |element: &[u8]| {
        let after = element
            .strip_prefix(b"$ORIGIN")
            .or_else(|| element.strip_prefix(b"${ORIGIN}"));
        match after {
            Some(rest) => rest.is_empty() || rest.starts_with(b"/"),
            None => element.starts_with(b"/"),
        }
    };
    !path.as_bytes().split(|byte| *byte == b':').all(whole)
}

/// The names that an image takes from other libraries.
#[must_use]
pub fn imports(image: &ImageSymbols) -> BTreeSet<String> {
    let names = image.imports.iter().map(|symbol| symbol.name.to_string());
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugwright_inspect::headers;
    use plugwright_testkit::elf::{ElfBuilder, ElfFile, PhdrField};

    #[track_caller]
    fn check(builder: ElfBuilder, expected: &[HazardKind]) {
        check_file(&builder.build(), expected);
    }

    #[track_caller]
    fn check_file(file: &ElfFile, expected: &[HazardKind]) {
        let found = headers(file.bytes(), None);
        let kinds: Vec<_> = found
            .images
            .iter()
            .flat_map(hazards)
            .map(|hazard| hazard.kind)
            .collect();
        assert_eq!(kinds, expected);
    }

    fn plain() -> ElfBuilder {
        ElfBuilder::x86_64().soname("libx.so").export("one")
    }

    #[test]
    fn a_usual_library_has_none() {
        check(plain(), &[]);
        check(plain().runpath("$ORIGIN:/opt/lib:${ORIGIN}/../lib"), &[]);
        check(plain().needed("libb.so.1"), &[]);
    }

    #[test]
    fn each_is_found_by_its_entry() {
        check(
            plain().dynamic_string(0x6fff_fefc, "liba.so"),
            &[HazardKind::Auditor],
        );
        check(
            plain().dynamic_string(0x7fff_ffff, "libo.so"),
            &[HazardKind::Filter],
        );
        for path in [
            "lib",
            "/opt:",
            ":/opt",
            "/opt::/usr",
            ".",
            "$ORIGINAL/x",
            "$LIB/x",
        ] {
            check(plain().runpath(path), &[HazardKind::RunPath]);
            check(plain().rpath(path), &[HazardKind::RunPath]);
        }
        check(plain().needed("./libb.so"), &[HazardKind::NeededPath]);
        check(
            plain().needed("/usr/lib/libb.so"),
            &[HazardKind::NeededPath],
        );
        check(plain().dynamic_value(22, 0), &[HazardKind::TextRelocations]);
        check(
            plain().dynamic_value(0x6fff_fffb, 0x20),
            &[HazardKind::InitFirst],
        );
        check(
            plain().dynamic_value(0x6fff_fffb, 0x2),
            &[HazardKind::Interposes],
        );
        check(
            plain().dynamic_value(0x6fff_fffb, 0x400),
            &[HazardKind::Interposes],
        );
        let segment = |kind, flags| {
            let mut file = plain().build();
            let index = file.segment(kind, 0);
            file.set_segment(index, PhdrField::Flags, flags);
            file
        };
        check_file(&segment(0x6474_e551, 7), &[HazardKind::ExecutableStack]);
        check_file(&segment(1, 7), &[HazardKind::WritableCode]);
    }
}
