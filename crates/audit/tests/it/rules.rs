//! A failing and a passing object for each rule about what stands in a file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugwright_audit::{Advisories, Options, RULES, Rule, SubjectKind, Target, Tier};
use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, RecordDef};
use plugwright_manifest::note;
use plugwright_testkit::elf::{EhdrField, ElfBuilder, PhdrField};
use plugwright_testkit::macho::{self, MachOBuilder};
use plugwright_testkit::pe::PeBuilder;

const DEF: RecordDef = RecordDef {
    entry: "plugwright_entry_org_example_a",
    id: "org.example.a",
    version: "1.0.0",
    crate_name: "a",
    linkage: Linkage::Cdylib,
    provides: &[],
    singleton: false,
    configurable: false,
    capabilities: &[],
    build: BuildDef {
        abi: 1,
        target: "x86_64-unknown-linux-gnu",
        profile: "release",
        rustc: "rustc 1.95.0",
        panic_abort: false,
        unloadable: false,
    },
    name: "A",
    description: "",
    license: "",
    authors: "",
    homepage: "",
    metadata: &[],
};
const SUMMARY: usize = embed::summary_note_size(&DEF);
const DETAIL: usize = embed::detail_note_size(&DEF);
static RECORD: Notes<SUMMARY, DETAIL> = embed::notes(&DEF);

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
            let mut without = good_pe();
            // The extended characteristics.
            without[0x800 + 28] = 0;
            return Some((without, good_pe()));
        }
        "B14" => bad(elf()
            .import("sprintf", None)
            .relocation(6, Some("sprintf"), 0)),
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
        "B22" => bad(elf().soname("p\u{430}ypal.so")),
        "B23" => bad(elf().dynamic_value(25, 0).dynamic_value(27, 64)),
        "B24" => bad(elf().export_as("chosen", 0x1a, None)),
        "B25" => bad(elf().dynamic_value(0x6fff_fffb, 0x20)),
        "B26" => bad(elf().dynamic_value(0x6fff_fffb, 0x8)),
        "B29" => bad(elf().import("gets", None).relocation(6, Some("gets"), 0)),
        "B30" => bad(elf()
            .import("strcpy", None)
            .relocation(6, Some("strcpy"), 0)),
        "B31" => bad(elf()
            .import("dlopen", None)
            .relocation(6, Some("dlopen"), 0)
            .import("getenv", None)
            .relocation(6, Some("getenv"), 0)),
        "B32" => {
            let starts = record()
                .import("execve", None)
                .relocation(6, Some("execve"), 0);
            return Some((bad(starts), bad(record())));
        }
        "B33" => {
            // cargo-auditable's list of one crate, as zlib stores it without packing.
            let list = |version: &str| {
                let json = format!(
                    "{{\"packages\":[{{\"name\":\"example\",\"version\":\"{version}\",\"source\":\"crates.io\",\"root\":true}}]}}"
                );
                bad(elf().section(".dep-v0", 0, &stored(json.as_bytes())))
            };
            return Some((list("1.0.0"), list("1.2.3")));
        }
        "B34" => bad(elf().needed("libssl.so.1.1")),
        "B35" => bad(elf().section(".qtmetadata", 3, b"QTMETADATA !")),
        "B36" => {
            let mut file = elf().build();
            let (index, end) = (file.segment(1, 0), file.bytes().len());
            file.set_segment(index, PhdrField::Offset, end as u64)
                .set_segment(index, PhdrField::Filesz, 8192)
                .set_segment(index, PhdrField::Flags, 5);
            file.bytes_mut().extend(noise(8192));
            file.into_bytes()
        }
        "B37" => {
            let side = PeBuilder::amd64().import("version.dll", &["VerQueryValueA"]);
            let known = PeBuilder::amd64().import("KERNEL32.dll", &["Sleep"]);
            return Some((side.build(), known.build()));
        }
        "B38" => {
            let shared = PeBuilder::amd64()
                .section(".shared", 0xd000_0040, &[0; 8])
                .build();
            return Some((shared, PeBuilder::amd64().build()));
        }
        "B39" => {
            let unsigned = PeBuilder::amd64();
            return Some((unsigned.build(), unsigned.signed().build()));
        }
        "B40" => {
            let opened = "<key>com.apple.security.cs.disable-library-validation</key>\n<true/>";
            return Some((signed_image(opened), signed_image("<dict/>")));
        }
        "B41" => {
            let mut file = elf().export("a").build();
            let (at, _) = file.place(".gnu.hash");
            file.write(at + 8, 4, 0);
            file.into_bytes()
        }
        // More than the reader takes for a name.
        "B42" => bad(elf().soname(&"a".repeat(70_000))),
        "D10" => {
            let signed = PeBuilder::amd64().signed().build();
            // The table of certificates is the file's end; SHA-1's identifier as DER has it.
            let weak = [&signed[..], b"\x06\x05\x2b\x0e\x03\x02\x1a"].concat();
            return Some((weak, signed));
        }
        _ => return None,
    };
    Some((bad, good))
}

/// What a cipher or a compressor makes: every byte as often as any other.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut number = 1_u32;
    let noise = std::iter::repeat_with(|| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    });
    noise.take(len).collect()
}

/// Bytes as zlib holds them when it does not compress (RFC 1950, RFC 1951).
fn stored(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("short");
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let mut out = vec![0x78, 0x01, 0x01];
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(&(!len).to_le_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(&(b << 16 | a).to_be_bytes());
    out
}

/// A library with a plugin's record.
pub(crate) fn plugin() -> Vec<u8> {
    record().build().into_bytes()
}

fn record() -> ElfBuilder {
    let note = |builder: ElfBuilder, kind, desc: &[u8]| {
        builder.note(note::ELF_SECTION, 4, note::OWNER, kind, desc)
    };
    let summary = note(elf(), note::SUMMARY, RECORD.summary());
    note(summary, note::DETAIL, RECORD.detail())
}

/// An image of Mach-O with an embedded signature.
fn signed_image(entitlements: &str) -> Vec<u8> {
    let signature = signature(entitlements);
    let size = u32::try_from(signature.len()).expect("small");
    let build = |at: u32| {
        let body = [at.to_le_bytes(), size.to_le_bytes()].concat();
        MachOBuilder::arm64().command(0x1d, &body).build()
    };
    let at = u32::try_from(build(0).len()).expect("small");
    [build(at), signature].concat()
}

/// An embedded signature: a code directory that asks for the hardened runtime, and entitlements.
fn signature(entitlements: &str) -> Vec<u8> {
    let word = u32::to_be_bytes;
    let size = |bytes: usize| word(u32::try_from(bytes).expect("small"));
    let directory = [word(0xfade_0c02), word(16), word(0x2_0400), word(0x1_0000)].concat();
    let text = [
        &word(0xfade_7171)[..],
        &size(entitlements.len() + 8),
        entitlements.as_bytes(),
    ]
    .concat();
    let index = [word(0), word(28), word(5), word(44)].concat();
    let total = size(28 + directory.len() + text.len());
    [
        &word(0xfade_0cc0)[..],
        &total,
        &word(2),
        &index,
        &directory,
        &text,
    ]
    .concat()
}

/// A PE file that asks for every mitigation.
fn good_pe() -> Vec<u8> {
    // A debug directory of one entry: the extended characteristics, behind it in the file.
    let extended = 0x800 + 28;
    let mut directory = [0_u32, 0, 0, 20, 4, 0, extended]
        .map(u32::to_le_bytes)
        .concat();
    directory.extend(1_u32.to_le_bytes());
    let mut bytes = PeBuilder::amd64()
        .section(".debug", 0x4000_0040, &directory)
        .build();
    let place = [0x3000_u32.to_le_bytes(), 28_u32.to_le_bytes()].concat();
    bytes[0x58 + 112 + 6 * 8..][..8].copy_from_slice(&place);
    // `DllCharacteristics` of the optional header, which begins behind the COFF header at 0x44.
    bytes[0x58 + 70..0x58 + 72].copy_from_slice(&0x4160_u16.to_le_bytes());
    bytes
}

/// The objects that rules tell of.
pub(crate) fn failing() -> Vec<Vec<u8>> {
    let pairs = RULES.iter().filter_map(|rule| pair(rule.id));
    pairs.map(|(bad, _)| bad).collect()
}

fn found(bytes: &[u8]) -> BTreeSet<&'static str> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("liba.so.1");
    fs::write(&path, bytes).expect("written");
    let advisory = "[advisory]\nid = \"RUSTSEC-2099-0001\"\npackage = \"example\"\n[versions]\npatched = [\">= 1.2.3\"]\n";
    let advisories = Advisories::parse(advisory, Path::new("a.toml")).expect("an advisory");
    let options = Options::new(Tier::Files)
        .with_signatures_wanted()
        .with_advisories(advisories);
    plugwright_audit::review(&[Target::path(path)], &options)
        .findings
        .iter()
        .map(|finding| finding.rule.id)
        .collect()
}

#[test]
fn each_rule_tells_its_object_and_passes_the_other() {
    let mut without = Vec::new();
    let elsewhere = |rule: &Rule| {
        let kinds = [SubjectKind::Deployment, SubjectKind::Process];
        // Comparisons have their own tests.
        rule.id.starts_with('C') || kinds.iter().any(|kind| rule.kinds.contains(kind))
    };
    for rule in RULES.iter().filter(|rule| !elsewhere(rule)) {
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
    // A01 is about what is no object, B08, B27 and B28 about several.
    assert_eq!(without, ["A01", "B08", "B27", "B28"]);
}

/// What a rule told of an object: the evidence of its first finding, with the bytes at its place.
#[track_caller]
fn evidence(id: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("liba.so.1");
    fs::write(&path, bytes).expect("written");
    let report = plugwright_audit::review(&[Target::path(path)], &Options::new(Tier::Files));
    let mut findings = report.findings.iter();
    let finding = findings
        .find(|finding| finding.rule.id == id)
        .unwrap_or_else(|| panic!("{id} told nothing: {report}"));
    let at = |offset: Option<u64>| {
        let offset = usize::try_from(offset.expect("a place")).expect("small");
        bytes[offset..].iter().take(24).copied().collect()
    };
    let evidence = finding.evidence.iter();
    evidence
        .map(|evidence| (evidence.found.to_string(), at(evidence.offset)))
        .collect()
}

/// The number at `at` of what stands at the place of some evidence.
fn word(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].first_chunk::<4>().expect("four bytes");
    usize::try_from(u32::from_le_bytes(*word)).expect("small")
}

#[test]
fn imports_and_needed_libraries_have_their_place_in_mach_o() {
    let image = MachOBuilder::arm64()
        .name(0xc, "lib/libb.dylib")
        .name(0x8000_001c, "lib")
        .symbol("_other", 1, 0, 0)
        .symbol("_gets", 1, 0, 0)
        .symbol("_malloc", 0xf, 1, 0)
        .section("__TEXT", "__text", 0x8000_0400, &[0; 16])
        .build();
    for file in [image.clone(), macho::universal(&[image], false)] {
        let [(name, at)] = &evidence("B05", &file)[..] else {
            panic!("one library")
        };
        assert_eq!((name.as_str(), word(at, 0)), ("lib/libb.dylib", 0xc));
        let [(name, at)] = &evidence("B02", &file)[..] else {
            panic!("one run path")
        };
        assert_eq!((name.as_str(), word(at, 0)), ("lib", 0x8000_001c));
        // Names in the table of strings, which begins with an empty one: `_other` has seven bytes.
        for (id, expected, string) in [("B29", "gets", 8), ("B09", "malloc", 14)] {
            let [(name, at)] = &evidence(id, &file)[..] else {
                panic!("one symbol")
            };
            assert_eq!((name.as_str(), word(at, 0)), (expected, string), "{id}");
        }
    }
}

#[test]
fn imports_and_needed_libraries_have_their_place_in_pe() {
    let file = PeBuilder::amd64()
        .import("KERNEL32.dll", &["Sleep"])
        .import("beside.dll", &["Other", "gets"])
        .delayed("later.dll", &["strcpy"])
        .export("first")
        .export("malloc")
        .build();
    // The section with the tables: 0x2000 in memory, 0x600 in the file.
    let text = |address: usize| {
        let rest = &file[address - 0x2000 + 0x600..];
        let end = rest.iter().position(|byte| *byte == 0).expect("an end");
        String::from_utf8_lossy(&rest[..end]).into_owned()
    };
    let one = |id| {
        let [(name, at)] = &evidence(id, &file)[..] else {
            panic!("{id}: one piece of evidence")
        };
        (name.clone(), at.clone())
    };
    let (name, at) = one("B37");
    assert_eq!(
        (name.as_str(), text(word(&at, 12))),
        ("beside.dll", "beside.dll".into())
    );
    // A hint of two bytes stands before an imported name.
    let (name, at) = one("B29");
    assert_eq!(
        (name.as_str(), text(word(&at, 0) + 2)),
        ("gets", "gets".into())
    );
    let (name, at) = one("B30");
    assert_eq!(
        (name.as_str(), text(word(&at, 0) + 2)),
        ("strcpy", "strcpy".into())
    );
    let (name, at) = one("B09");
    assert_eq!(
        (name.as_str(), text(word(&at, 0))),
        ("malloc", "malloc".into())
    );
    let (_, at) = one("B13");
    assert_eq!(at[..2], 0x160_u16.to_le_bytes());
}

/// Machine code of Mach-O and PE is looked at like that of ELF.
#[test]
fn packed_code_is_told_in_every_format() {
    let noise = noise(8192);
    let macho = |code: &[u8]| {
        let builder = MachOBuilder::arm64();
        builder
            .section("__TEXT", "__text", 0x8000_0400, code)
            .build()
    };
    let pe = |code: &[u8]| {
        PeBuilder::amd64()
            .section("packed", 0x6000_0020, code)
            .build()
    };
    let ordinary = [0x48, 0x89, 0xe5, 0xc3].repeat(2048);
    let packed = [
        macho(&noise),
        macho::universal(&[macho(&ordinary), macho(&noise)], true),
        pe(&noise),
    ];
    for bytes in packed {
        assert!(found(&bytes).contains("B36"));
    }
    for bytes in [
        macho(&ordinary),
        macho::universal(&[macho(&ordinary)], true),
        pe(&ordinary),
    ] {
        assert!(!found(&bytes).contains("B36"));
    }
    // What unpacks the rest is no excuse for it.
    let with_stub = [&ordinary[..1024], &noise[..], &ordinary[..1024]].concat();
    assert!(found(&pe(&with_stub)).contains("B36"));
}

#[test]
fn the_stack_protector_is_looked_for_in_every_format() {
    let macho = |names: &[&str]| {
        let builder = names.iter().fold(MachOBuilder::arm64(), |builder, name| {
            builder.symbol(name, 1, 0, 0)
        });
        builder.build()
    };
    let pe = |cookie: Option<u64>| {
        let mut bytes = PeBuilder::amd64()
            .import("msvcrt.dll", &["sprintf"])
            .section(
                ".config",
                0x4000_0040,
                &configuration(cookie.unwrap_or_default()),
            )
            .build();
        // The directory of the load configuration, in the optional header behind its count; the section is the third.
        let directory = 0x58 + 112 + 10 * 8;
        let place = [0x3000_u32.to_le_bytes(), 112_u32.to_le_bytes()].concat();
        if cookie.is_some() {
            bytes[directory..directory + 8].copy_from_slice(&place);
        }
        bytes
    };
    for unprotected in [macho(&["_sprintf"]), pe(None), pe(Some(0))] {
        assert!(found(&unprotected).contains("B14"));
    }
    let guarded = macho(&["_sprintf", "___stack_chk_fail"]);
    for protected in [guarded, pe(Some(0x1_8000_3000)), macho(&["_puts"])] {
        assert!(!found(&protected).contains("B14"));
    }
}

/// A load configuration of PE with this address of its cookie.
fn configuration(cookie: u64) -> Vec<u8> {
    let mut bytes = vec![0; 112];
    bytes[..4].copy_from_slice(&112_u32.to_le_bytes());
    bytes[88..96].copy_from_slice(&cookie.to_le_bytes());
    bytes
}

#[test]
fn a_universal_file_is_looked_at_as_a_whole() {
    let opened = "<key>com.apple.security.cs.disable-library-validation</key>\n<true/>";
    let image = signed_image(opened);
    let other = signed_image("<dict/>");
    assert!(found(&macho::universal(&[other.clone(), image], false)).contains("B40"));
    let both = macho::universal(&[other.clone(), other], false);
    assert!(!found(&both).contains("B40"));
    assert!(!found(&both).contains("B20"));
    assert!(found(&[&both[..], b"PK\x05\x06", &[0; 18]].concat()).contains("B20"));
}
