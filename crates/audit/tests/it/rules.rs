//! A failing and a passing object for each rule about what stands in a file.

use std::collections::BTreeSet;
use std::fs;

use crate::review;
use plugwright_audit::RULES;
use plugwright_testkit::elf::{EhdrField, ElfBuilder, PhdrField};
use plugwright_testkit::pe::PeBuilder;

fn elf() -> ElfBuilder {
    ElfBuilder::x86_64().soname("liba.so.1")
}

/// An object that the rule is to tell of, and one that it is not.
fn pair(id: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let good = elf()
        .needed("libc.so.6")
        .runpath("$ORIGIN")
        .build()
        .into_bytes();
    let bad = |builder: ElfBuilder| builder.build().into_bytes();
    let segment = |kind, field, value| {
        let mut file = elf().build();
        let index = file.segment(kind, 0);
        file.set_segment(index, field, value);
        file.into_bytes()
    };
    let bad = match id {
        "B01" => bad(elf().runpath("/usr/lib:")),
        "B02" => bad(elf().runpath("lib")),
        "B03" => bad(elf().runpath("$ORIGIN/../../../tmp/x")),
        "B04" => bad(elf().rpath("/opt/lib")),
        "B05" => bad(elf().needed("./libb.so")),
        "B06" => bad(elf().dynamic_string(0x6fff_fefc, "libaudit.so")),
        "B07" => bad(elf().dynamic_string(0x7fff_ffff, "libother.so")),
        "B09" => bad(elf().export("malloc")),
        "B10" => segment(0x6474_e551, PhdrField::Flags, 7),
        "B11" => segment(1, PhdrField::Flags, 7),
        "B12" => bad(elf().dynamic_value(22, 0)),
        "B13" => {
            return Some((PeBuilder::amd64().build(), good_pe()));
        }
        "B15" => segment(1, PhdrField::Filesz, 1 << 40),
        "B16" => {
            let mut file = elf().build();
            let index = file.segment(1, 1);
            file.set_segment(index, PhdrField::Filesz, u64::MAX);
            file.into_bytes()
        }
        "B17" => bad(elf().dynamic_value(30, 0).dynamic_value(30, 0)),
        "B18" => segment(2, PhdrField::Offset, 8),
        "B19" => {
            let mut file = elf().build();
            file.set_header(EhdrField::OsAbi, 99);
            file.into_bytes()
        }
        "B20" => [&good[..], b"PK\x05\x06", &[0; 18]].concat(),
        "B21" => bad(elf().export("a\u{1b}[2J")),
        "B24" => bad(elf().export_as("chosen", 0x1a, None)),
        "B25" => bad(elf().dynamic_value(0x6fff_fffb, 0x20)),
        "B26" => bad(elf().dynamic_value(0x6fff_fffb, 0x8)),
        "B29" => bad(elf().import("gets", None).relocation(6, Some("gets"), 0)),
        "B30" => bad(elf()
            .import("strcpy", None)
            .relocation(6, Some("strcpy"), 0)),
        "B35" => bad(elf().section(".qtmetadata", 3, b"QTMETADATA !")),
        "B38" => {
            let shared = PeBuilder::amd64()
                .section(".shared", 0xd000_0040, &[0; 8])
                .build();
            return Some((shared, PeBuilder::amd64().build()));
        }
        "B41" => {
            let mut file = elf().export("a").build();
            let (at, _) = file.place(".gnu.hash");
            file.write(at + 8, 4, 0);
            file.into_bytes()
        }
        _ => return None,
    };
    Some((bad, good))
}

/// A PE file that asks for every mitigation.
fn good_pe() -> Vec<u8> {
    let mut bytes = PeBuilder::amd64().build();
    // `DllCharacteristics` of the optional header, which begins behind the COFF header at 0x44.
    bytes[0x58 + 70..0x58 + 72].copy_from_slice(&0x4160_u16.to_le_bytes());
    bytes
}

fn found(bytes: &[u8]) -> BTreeSet<&'static str> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("liba.so.1");
    fs::write(&path, bytes).expect("written");
    review(&[path])
        .findings
        .iter()
        .map(|finding| finding.rule.id)
        .collect()
}

#[test]
fn each_rule_tells_its_object_and_passes_the_other() {
    let mut without = Vec::new();
    for rule in RULES {
        let Some((bad, good)) = pair(rule.id) else {
            without.push(rule.id);
            continue;
        };
        assert!(
            found(&bad).contains(rule.id),
            "{}: {:?}",
            rule.id,
            found(&bad)
        );
        assert!(
            !found(&good).contains(rule.id),
            "{}: {:?}",
            rule.id,
            found(&good)
        );
    }
    // A01 is about what is no object; B42 about limits and files that change.
    assert_eq!(without, ["A01", "B42"]);
}
