//! What plugins say of themselves: Qt's forms, damaged ones, and every target's numbers.

use plugwright_inspect::{Code, QtEncoding, headers, identity};
use plugwright_testkit::elf::{
    AARCH64, ElfBuilder, Endian, HashStyle, POWERPC, S390X, Width, X86, X86_64,
};
use serde_json::json;

use crate::{QT5, QT6, codes};

#[test]
fn every_class_byte_order_and_processor() {
    for (width, endian, machine, name) in [
        (Width::Bits64, Endian::Little, X86_64, "x86_64"),
        (Width::Bits32, Endian::Little, X86, "x86"),
        (Width::Bits64, Endian::Little, AARCH64, "aarch64"),
        (Width::Bits64, Endian::Big, S390X, "s390x"),
        (Width::Bits32, Endian::Big, POWERPC, "powerpc"),
        (Width::Bits64, Endian::Little, 0x1234, "machine 4660"),
    ] {
        for hash in [HashStyle::Gnu, HashStyle::Sysv, HashStyle::Both] {
            let file = ElfBuilder::new(width, endian, machine)
                .soname("libx.so.1")
                .needed("libc.so.6")
                .needed("libm.so.6")
                .runpath("$ORIGIN/../lib")
                .build_id(&[0xab, 0xcd])
                .qt_note(QT6)
                .export_as("f", 0x12, Some("X_1"))
                .export("g")
                .import("h", Some(("libc.so.6", "GLIBC_2.34")))
                .hash(hash)
                .build();
            let found = headers(file.bytes(), None);
            assert_eq!(found.problems, [], "{name} {hash:?}");
            let image = &found.images[0];
            assert_eq!(image.image.target.machine.to_string(), name);
            assert_eq!(
                image.name.as_ref().map(ToString::to_string).as_deref(),
                Some("libx.so.1")
            );
            assert_eq!(image.needed, ["libc.so.6", "libm.so.6"]);
            assert_eq!(
                image.run_path.as_ref().expect("a run path"),
                "$ORIGIN/../lib"
            );
            let elf = image.elf().expect("ELF");
            assert_eq!(elf.build_id.as_deref(), Some("abcd"));
            assert_eq!(elf.dynamic_symbols, Some(4));
            assert_eq!(elf.versions_defined[0].name, "X_1");
            assert_eq!(elf.versions_needed[0].library, "libc.so.6");
            assert_eq!(elf.versions_needed[0].versions[0].name, "GLIBC_2.34");
            assert_eq!(elf.executable_stack, Some(false));
            assert_eq!(
                image.image.qt.as_ref().and_then(|qt| qt.class_name()),
                Some("B")
            );
        }
    }
}

#[test]
fn extended_numbering() {
    let file = ElfBuilder::x86_64()
        .qt_section(QT5)
        .extended_numbering()
        .build();
    let found = headers(file.bytes(), None);
    assert_eq!(found.problems, []);
    assert!(found.images[0].image.qt.is_some());
}

#[test]
fn notes_of_every_alignment() {
    for align in [1, 2, 4, 8, 16] {
        let file = ElfBuilder::x86_64()
            .note(".note.other", align, b"Other\0", 7, &[1, 2, 3])
            .note(".note.other", align, b"qt-project!\0", 0x7451_0001, QT6)
            .build();
        let mut file = file;
        file.strip_sections();
        let found = identity(file.bytes(), None);
        assert!(found.images[0].qt.is_some(), "aligned to {align}");
        let told = codes(&found.problems).contains(&Code::QtNoteAlignment);
        assert_eq!(
            told,
            align != 8,
            "Qt looks only where the alignment is a word"
        );
    }
}

#[track_caller]
fn check_qt(payload: &[u8], expected: Result<serde_json::Value, Code>) {
    let note = ElfBuilder::x86_64().qt_note(payload).build();
    let section = ElfBuilder::x86_64().qt_section(payload).build();
    for (file, encoding) in [(note, QtEncoding::Note), (section, QtEncoding::Section)] {
        let mut found = identity(file.bytes(), None);
        let image = found.images.remove(0);
        let problem = found.problems.first().map(|problem| problem.code);
        match &expected {
            Ok(json) => {
                let qt = image.qt.expect("metadata");
                assert_eq!(
                    (&serde_json::to_value(&qt).expect("JSON"), problem),
                    (json, None)
                );
                assert_eq!(qt.encoding(), encoding);
            }
            Err(code) => assert_eq!((image.qt, problem), (None, Some(*code))),
        }
    }
}

#[test]
fn headers_of_qt() {
    check_qt(
        QT6,
        Ok(
            json!({"IID": "a", "className": "B", "MetaData": {"Keys": ["k"]},
                  "version": 0x0006_0400, "archlevel": 1, "debug": false}),
        ),
    );
    check_qt(
        QT5,
        Ok(
            json!({"IID": "a", "className": "B", "version": 0x0005_0f00, "archreq": 0, "debug": false}),
        ),
    );
    // The smallest: an empty map.
    check_qt(
        b"\x01\x06\x04\x81\xbf\xff",
        Ok(json!({"version": 0x0006_0400, "archlevel": 1, "debug": true})),
    );
    // Qt 6.0 to 6.2: AVX2 was level 3, AVX512 level 4.
    check_qt(
        b"\x00\x06\x02\x03\xbf\xff",
        Ok(json!({"version": 0x0006_0200, "archlevel": 3, "debug": true})),
    );
    // Other major and minor versions are judged by the host, not here.
    for (major, minor) in [(7_u8, 0_u8), (4, 0), (6, 99)] {
        let version = u64::from(major) << 16 | u64::from(minor) << 8;
        check_qt(
            &[1, major, minor, 1, 0xa0],
            Ok(json!({"version": version, "archlevel": 1, "debug": false})),
        );
    }
}

#[test]
fn damaged_qt_metadata() {
    check_qt(b"\x01\x06\x04\x01\xff", Err(Code::QtCbor));
    check_qt(b"\x01\x06\x04\x01\x01", Err(Code::QtContents));
    check_qt(b"\x01\x06\x04\x01\x81\x01", Err(Code::QtContents));
    check_qt(b"\x02\x06\x04\x01\xbf\xff", Err(Code::QtVersion));
    check_qt(b"\x01\x06", Err(Code::QtTooSmall));
    check_qt(b"\x01\x06\x04\x01", Err(Code::QtCbor));
    // Invalid UTF-8, and 10,000 levels.
    check_qt(b"\x01\x06\x04\x01\xa1\x02\x61\xff", Err(Code::QtCbor));
    let deep = [&b"\x01\x06\x04\x01\xa1\x04"[..], &[0x81; 10_000]].concat();
    check_qt(&deep, Err(Code::LimitReached));
}

/// A map as the key of a map, forty levels deep: the text of each is escaped in that of the
/// next, and would double forty times.
#[test]
fn keys_of_qt_metadata_that_are_maps() {
    let deep = [&b"\x01\x06\x04\x01\xa1"[..], &[0xa1; 40], &[0xf4; 42]].concat();
    check_qt(&deep, Err(Code::LimitReached));
    check_qt(
        b"\x01\x06\x04\x01\xa1\x04\xa1\xa1\xa1\x01\x02\x03\x04",
        Ok(
            json!({"MetaData": {"{\"{\\\"1\\\":2}\":3}": 4}, "version": 0x0006_0400,
                  "archlevel": 1, "debug": false}),
        ),
    );
}

#[test]
fn damaged_qt_section() {
    for (bytes, code) in [
        (&b"QTMETADATA"[..], Code::QtTooSmall),
        (b"QTMETADATA ?\x00\x05\x0f\x00\xbf\xff", Code::QtMagic),
        (b"QTMETADATA  \x00\x05\x0f\x00\xbf\xff", Code::QtContents),
    ] {
        let file = ElfBuilder::x86_64()
            .section(".qtmetadata", 2, bytes)
            .build();
        assert_eq!(codes(&identity(file.bytes(), None).problems), [code]);
    }
}

/// Qt's binary JSON: `{"IID":"a","debug":false,"n":[1.5,-3],"ü":null}`.
#[test]
fn binary_json() {
    let word = |value: u32| value.to_le_bytes();
    let len = |len: usize| u32::try_from(len).expect("small");
    // Values are relative to their base; entries are a value's word and the key.
    let mut array = Vec::new();
    array.extend(1.5_f64.to_le_bytes());
    let table = 12 + len(array.len());
    let array_words = [2 | 12 << 5, 2 | 8 | (-3_i32).cast_unsigned() << 5];
    let size = table + 8;
    let mut list = [word(size), word(2 << 1), word(table)].concat();
    list.extend(&array);
    list.extend(array_words.iter().flat_map(|value| word(*value)));

    let mut data: Vec<u8> = Vec::new();
    let mut entries = Vec::new();
    let mut push = |value: u32, flag_latin: bool, key: &[u8], data: &mut Vec<u8>| {
        data.resize(data.len().next_multiple_of(4), 0);
        entries.push(12 + len(data.len()));
        data.extend(word(value | if flag_latin { 16 } else { 0 }));
        data.extend_from_slice(key);
    };
    data.extend(b"\x01\x00a\0");
    push(3 | 8 | 12 << 5, true, b"\x03\x00IID", &mut data);
    push(1, true, b"\x05\x00debug", &mut data);
    data.resize(data.len().next_multiple_of(4), 0);
    let at = 12 + len(data.len());
    data.extend(&list);
    push(4 | at << 5, true, b"\x01\x00n", &mut data);
    push(0, false, b"\x01\x00\x00\x00\xfc\x00", &mut data);
    data.resize(data.len().next_multiple_of(4), 0);
    let table = 12 + len(data.len());
    let size = table + 4 * len(entries.len());
    let mut bytes = b"QTMETADATA  qbjs\x01\0\0\0".to_vec();
    bytes.extend([word(size), word(1 | len(entries.len()) << 1), word(table)].concat());
    bytes.extend(data);
    bytes.extend(entries.iter().flat_map(|value| word(*value)));

    let file = ElfBuilder::x86_64()
        .section(".qtmetadata", 2, &bytes)
        .build();
    let mut found = identity(file.bytes(), None);
    assert_eq!(found.problems, []);
    let qt = found.images.remove(0).qt.expect("metadata");
    assert_eq!(qt.encoding(), QtEncoding::BinaryJson);
    let expected = json!({"IID": "a", "debug": false, "n": [1.5, -3], "ü": null});
    assert_eq!(serde_json::to_value(&qt).expect("JSON"), expected);

    for cut in 12..bytes.len() {
        let file = ElfBuilder::x86_64()
            .section(".qtmetadata", 2, &bytes[..cut])
            .build();
        assert_eq!(
            identity(file.bytes(), None).images[0].qt,
            None,
            "{cut} bytes were taken"
        );
    }
}
