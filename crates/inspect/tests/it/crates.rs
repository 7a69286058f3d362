//! The list of crates of cargo-auditable, good and damaged, in every format.

use miniz_oxide::deflate::compress_to_vec_zlib;
use plugwright_inspect::{Code, headers};
use plugwright_testkit::elf::ElfBuilder;
use plugwright_testkit::macho::MachOBuilder;
use plugwright_testkit::pe::PeBuilder;

use crate::codes;

/// As cargo-auditable writes it: the root, what it needs, and what only its build needs.
const LIST: &str = r#"{"packages":[
    {"name":"cc","version":"1.2.3","source":"crates.io","kind":"build"},
    {"name":"made","version":"0.1.0","source":"local","dependencies":[0,2],"root":true},
    {"name":"twig","version":"2.0.0-rc.1","source":"git"}]}"#;

fn packed(list: &str) -> Vec<u8> {
    compress_to_vec_zlib(list.as_bytes(), 6)
}

fn elf(section: &[u8]) -> Vec<u8> {
    let builder = ElfBuilder::x86_64().export("f");
    builder.section(".dep-v0", 0, section).build().into_bytes()
}

#[test]
fn crates_in_every_format() {
    let list = packed(LIST);
    let macho = MachOBuilder::arm64().section("__DATA", ".dep-v0", 0, &list);
    let pe = PeBuilder::amd64().section(".dep-v0", 0x4000_0040, &list);
    for bytes in [elf(&list), macho.build(), pe.build()] {
        let found = headers(&bytes, None);
        assert_eq!(found.problems, []);
        let crates: Vec<_> = found.images[0]
            .crates
            .iter()
            .map(|listed| {
                let text = format!("{} {} {}", listed.name, listed.version, listed.source);
                (text, listed.build_only, listed.root)
            })
            .collect();
        assert_eq!(
            crates,
            [
                ("cc 1.2.3 crates.io".into(), true, false),
                ("made 0.1.0 local".into(), false, true),
                ("twig 2.0.0-rc.1 git".into(), false, false),
            ]
        );
    }
    assert_eq!(headers(&elf(&[])[..], None).images[0].crates, []);
}

#[track_caller]
fn check(section: &[u8], code: Code, found: &str) {
    let told = headers(&elf(section)[..], None);
    assert_eq!(codes(&told.problems), [code]);
    assert!(
        told.problems[0].found.contains(found),
        "{}",
        told.problems[0]
    );
    assert_eq!(told.images[0].crates, []);
    // What a list says makes no library unsound; a limit leaves that open.
    assert_eq!(told.is_sound(), code == Code::CratesInvalid);
}

#[test]
fn damaged_lists() {
    check(b"no zlib", Code::CratesInvalid, "");
    let good = packed(LIST);
    check(&good[..good.len() / 2], Code::CratesInvalid, "");
    let mut wrong_sum = good;
    *wrong_sum.last_mut().expect("a byte") ^= 1;
    check(&wrong_sum, Code::CratesInvalid, "");
    check(&packed("[]"), Code::CratesInvalid, "");
    check(&packed(r#"{"packages":[{}]}"#), Code::CratesInvalid, "name");
    let text = r#"{"packages":[{"name":"a","version":"\u001b[2J","source":"x"}]}"#;
    check(&packed(text), Code::CratesInvalid, "");
    let circle = r#"{"packages":[
        {"name":"a","version":"1.0.0","source":"x","dependencies":[1]},
        {"name":"b","version":"1.0.0","source":"x","dependencies":[0]}]}"#;
    check(&packed(circle), Code::CratesInvalid, "cyclic");
    check(
        &packed(&format!("{{\"x\":{}", "[".repeat(100_000))),
        Code::CratesInvalid,
        "EOF",
    );
    check(
        &compress_to_vec_zlib(b"\xff\xfe", 6),
        Code::CratesInvalid,
        "utf-8",
    );
}

/// A thousand times as much as what is packed: bounded before it is there.
#[test]
fn a_list_that_grows() {
    let spaces = " ".repeat(64 << 20);
    let bomb = packed(&spaces);
    assert!(bomb.len() < 100_000);
    check(&bomb, Code::LimitReached, "1048577");
}
