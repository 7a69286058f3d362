//! A failing and a passing object for each rule about what stands in a file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use plugwright_audit::{Advisories, Options, RULES, Rule, SubjectKind, Target, Tier};
use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, RecordDef};
use plugwright_manifest::note;
use plugwright_testkit::elf::{EhdrField, ElfBuilder, PhdrField};
use plugwright_testkit::macho::MachOBuilder;
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
            return Some((PeBuilder::amd64().build(), good_pe()));
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
            // What a cipher or a compressor makes: every byte as often as any other.
            let mut number = 1_u32;
            let noise = std::iter::repeat_with(|| {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                number.to_be_bytes()[0]
            });
            file.bytes_mut().extend(noise.take(8192));
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
            let signed = |entitlements: &str| {
                let signature = signature(entitlements);
                let size = u32::try_from(signature.len()).expect("small");
                let build = |at: u32| {
                    let body = [at.to_le_bytes(), size.to_le_bytes()].concat();
                    MachOBuilder::arm64().command(0x1d, &body).build()
                };
                let at = u32::try_from(build(0).len()).expect("small");
                [build(at), signature].concat()
            };
            let opened = "<key>com.apple.security.cs.disable-library-validation</key>\n<true/>";
            return Some((signed(opened), signed("<dict/>")));
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
    let mut bytes = PeBuilder::amd64().build();
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
