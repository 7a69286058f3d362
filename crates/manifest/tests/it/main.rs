//! What the compiler encodes is what the decoder reads, and nothing else is read.

use plugwright_manifest::embed::{self, BuildDef, Linkage, Notes, ProvidedDef, RecordDef};
use plugwright_manifest::schema::{
    FieldShape, InterfaceShape, MethodShape, Receiver, Scalar, Schema, Shape, VariantShape,
};
use plugwright_manifest::{
    DecodeError, Detail, InterfaceVersion, Record, Role, Summary, Version, cbor, compat,
};

mod compatibility;
mod properties;

pub(crate) const U32: &Shape = &Shape::Scalar(Scalar::U32);
const BYTES: &Shape = &Shape::Slice(&Shape::Scalar(Scalar::U8));
const ERROR: &Shape = &Shape::Enum(
    "CodecError",
    &[
        VariantShape {
            name: "Corrupt",
            fields: &[FieldShape {
                name: "offset",
                shape: &Shape::Scalar(Scalar::U64),
            }],
        },
        VariantShape {
            name: "Call",
            fields: &[],
        },
    ],
);
pub(crate) const ENCODE: MethodShape = MethodShape::new(
    "encode",
    Receiver::Shared,
    &[
        FieldShape {
            name: "input",
            shape: BYTES,
        },
        FieldShape {
            name: "level",
            shape: &Shape::Option(U32),
        },
    ],
    &Shape::Result(&Shape::Vec(&Shape::Scalar(Scalar::U8)), ERROR),
    0,
);
pub(crate) const NAME: MethodShape = MethodShape::new(
    "name",
    Receiver::Shared,
    &[],
    &Shape::Scalar(Scalar::String),
    0,
);
const CODEC: InterfaceShape = InterfaceShape {
    id: "org.example.codec",
    version: InterfaceVersion::new(1, 2),
    bounds: plugwright_manifest::schema::Bounds::NONE,
    methods: &[NAME, ENCODE],
    requires: &[],
};

/// `{"level": 3}`
const METADATA: &[u8] = &[0xa1, 0x65, b'l', b'e', b'v', b'e', b'l', 0x03];

const fn def(linkage: Linkage, crate_name: &'static str) -> RecordDef {
    RecordDef {
        entry: "plugwright_entry_org_example_zstd",
        id: "org.example.zstd",
        version: "1.2.3-beta.1",
        crate_name,
        linkage,
        provides: &[ProvidedDef {
            interface: &CODEC,
            keys: &["zstd", "zst"],
            rank: -7,
            metadata: METADATA,
        }],
        singleton: false,
        configurable: false,
        capabilities: &[],
        build: BuildDef {
            abi: 1,
            target: "x86_64-unknown-linux-gnu",
            profile: "release",
            rustc: "rustc 1.95.0",
            panic_abort: false,
            unloadable: true,
        },
        name: "Zstandard",
        description: "Fast and small",
        license: "MIT",
        authors: "A <a@example.org>:B",
        homepage: "https://example.org/",
        metadata: METADATA,
    }
}

const DEF: RecordDef = def(Linkage::Both, "zstd_plugin");
const S: usize = embed::summary_note_size(&DEF);
const D: usize = embed::detail_note_size(&DEF);
static NOTES: Notes<S, D> = embed::notes(&DEF);

/// What no reader takes is refused where it is written: when a plugin is compiled.
#[test]
#[should_panic(expected = "larger than 1 MiB")]
fn a_detail_that_is_too_large_is_refused_by_the_compiler() {
    let metadata = vec![0; 1 << 20].leak();
    let _ = embed::detail_note_size(&RecordDef { metadata, ..DEF });
}

#[test]
fn a_summary_comes_back() {
    let summary = Summary::decode(NOTES.summary()).expect("our own summary");
    assert_eq!(summary.entry(), DEF.entry);
    assert_eq!(summary.id.as_str(), DEF.id);
    assert_eq!(
        summary.version,
        Version::parse(DEF.version).expect("semver")
    );
    assert_eq!(summary.crate_name, "zstd_plugin");
    assert_eq!(summary.build.rustc, "rustc 1.95.0");
    assert!(summary.build.unloadable);
    let [provided] = summary.provides.as_slice() else {
        panic!("one interface, not {:?}", summary.provides);
    };
    assert_eq!(provided.interface.as_str(), "org.example.codec");
    assert_eq!(provided.version, InterfaceVersion::new(1, 2));
    assert_eq!(
        provided.fingerprints,
        [NAME.fingerprint(), ENCODE.fingerprint()]
    );
    assert_eq!(provided.keys, ["zstd", "zst"]);
    assert_eq!(provided.rank, -7);
}

#[test]
fn what_a_plugin_asks_for_comes_back_and_nothing_asked_takes_no_room() {
    const ASKS: RecordDef = RecordDef {
        capabilities: &["threads:4", "files:read:/usr/share/zstd"],
        ..DEF
    };
    static ASKING: Notes<{ embed::summary_note_size(&ASKS) }, { embed::detail_note_size(&ASKS) }> =
        embed::notes(&ASKS);
    let asked = |cbor| Summary::decode(cbor).expect("our own summary").capabilities;
    let texts: Vec<String> = asked(ASKING.summary())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts, ASKS.capabilities);
    assert_eq!(asked(NOTES.summary()), []);
    // A key, a list, and the two texts with their heads.
    let texts: usize = ASKS.capabilities.iter().map(|text| text.len() + 2).sum();
    assert_eq!(ASKING.summary().len() - NOTES.summary().len(), 1 + texts);
    let unknown = Summary::decode(
        &ASKING
            .summary()
            .iter()
            .map(|byte| if *byte == b'4' { b'x' } else { *byte })
            .collect::<Vec<u8>>(),
    );
    let error = unknown.expect_err("no number");
    assert_eq!(
        error.to_string(),
        "\"threads:x\" is not a capability that this version knows"
    );
}

#[test]
fn a_detail_comes_back() {
    let detail = Detail::decode(NOTES.detail()).expect("our own detail");
    assert_eq!(detail.entry(), DEF.entry);
    assert_eq!(detail.name, "Zstandard");
    assert_eq!(detail.description, "Fast and small");
    assert_eq!(detail.license, "MIT");
    assert_eq!(detail.authors, ["A <a@example.org>", "B"]);
    assert_eq!(detail.homepage, "https://example.org/");
    assert_eq!(detail.metadata, serde_json::json!({"level": 3}));
    assert_eq!(detail.provided_metadata, [serde_json::json!({"level": 3})]);
    let methods: Vec<String> = detail.schemas[0]
        .methods
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        methods,
        [
            "fn name(&self) -> String",
            "fn encode(&self, input: &[u8], level: Option<u32>) -> Result<Vec<u8>, CodecError>",
        ]
    );
}

#[test]
fn metadata_is_read_as_the_applications_type() {
    #[derive(serde::Deserialize)]
    struct Own {
        level: u32,
    }
    let detail = Detail::decode(NOTES.detail()).expect("our own detail");
    assert_eq!(
        detail.metadata_as::<Own>().expect("it has a level").level,
        3
    );
    assert!(detail.metadata_as::<Vec<u32>>().is_err());
}

/// The layout of a note: owner size, descriptor size, type, owner, descriptor, padding.
#[test]
#[expect(
    clippy::host_endian_bytes,
    reason = "the notes were built for this very program"
)]
fn notes_are_well_formed() {
    let bytes = NOTES.to_bytes();
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(word(0), 11);
    assert_eq!(word(4) as usize, NOTES.summary().len());
    assert_eq!(word(8), plugwright_manifest::note::SUMMARY);
    assert_eq!(&bytes[12..24], b"plugwright\0\0");
    assert_eq!(S, 24 + NOTES.summary().len().next_multiple_of(4));
    assert_eq!(word(S + 8), plugwright_manifest::note::DETAIL);
    assert_eq!(bytes.len(), S + D);
}

#[test]
fn every_shorter_record_is_refused() {
    for length in 0..NOTES.summary().len() {
        let cut = &NOTES.summary()[..length];
        assert!(
            Summary::decode(cut).is_err(),
            "{length} bytes of a summary were taken"
        );
    }
    for length in 0..NOTES.detail().len() {
        let cut = &NOTES.detail()[..length];
        assert!(
            Detail::decode(cut).is_err(),
            "{length} bytes of a detail were taken"
        );
    }
}

#[test]
fn every_changed_byte_is_read_or_refused() {
    for index in 0..NOTES.detail().len() {
        for value in [0x00, 0x1f, 0x3b, 0x5f, 0x7f, 0x9b, 0x9f, 0xbb, 0xbf, 0xff] {
            let mut summary = NOTES.summary().to_vec();
            if let Some(byte) = summary.get_mut(index) {
                *byte = value;
                drop(Summary::decode(&summary));
            }
            let mut detail = NOTES.detail().to_vec();
            detail[index] = value;
            drop(Detail::decode(&detail));
        }
    }
}

#[track_caller]
fn check_refused(cbor: &[u8], expected: &str) {
    let error = Summary::decode(cbor).expect_err("must be refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn refusals_say_why() {
    check_refused(
        &[],
        "not a record: the data ends inside an item (at byte 0)",
    );
    check_refused(&[0xa0], "the record has no format");
    check_refused(
        &[0xa1, 0x00, 0x02],
        "a record of format 2; this version reads format 1",
    );
    check_refused(
        &[0xa2, 0x00, 0x01, 0x00, 0x01],
        "the record has two format entries",
    );
    check_refused(&[0xa1, 0x00, 0x01], "the record has no crate");
    check_refused(
        &[0xa1, 0x02, 0x63, b'A', 0x1b, b'B'],
        "\"A\\u{1b}B\" is not an identifier: lower-case labels of letters, digits and inner \
         hyphens, joined by dots, as in org.example.zstd",
    );
    check_refused(
        &[0xa1, 0x03, 0x61, b'x'],
        "\"x\" is not a version in semver's form",
    );
    check_refused(
        &[0xa1, 0x05, 0x19, 0xff, 0xff],
        "not a record: expected an array of known length, found an unsigned integer (at byte 2)",
    );
    check_refused(
        &[0xa1, 0x05, 0x99, 0xff, 0xff],
        "the record's provides is beyond the limit of 4096",
    );
    let mut trailing = NOTES.summary().to_vec();
    trailing.push(0);
    check_refused(&trailing, "1 bytes follow the record");
    assert_eq!(
        Summary::decode(&vec![0; 2049]),
        Err(DecodeError::TooLarge {
            field: "summary",
            limit: 2048
        })
    );
}

#[test]
fn deep_types_are_refused() {
    // A detail whose only method returns an Option of an Option of …
    let mut cbor = vec![
        0xa1, 0x07, 0x81, 0x85, 0x63, b'a', b'.', b'b', 1, 0, 0, 0x81, 0x84, 0x61, b'm', 0x80,
    ];
    cbor.extend([0x82, 0x18, 128].repeat(200));
    let error = Detail::decode(&cbor).expect_err("must be refused");
    assert_eq!(
        error.to_string(),
        "the record's depth of types is beyond the limit of 32"
    );
}

fn record(linkage: Linkage, crate_name: &'static str) -> Record {
    let cbor = match (linkage, crate_name) {
        (Linkage::Both, "outer") => encode(&const { def(Linkage::Both, "outer") }),
        (Linkage::Both, _) => encode(&const { def(Linkage::Both, "inner") }),
        (Linkage::Cdylib, _) => encode(&const { def(Linkage::Cdylib, "outer") }),
        _ => encode(&const { def(Linkage::Rlib, "inner") }),
    };
    Record::new(Summary::decode(&cbor).expect("our own summary"), None)
}

fn encode(def: &RecordDef) -> Vec<u8> {
    // All definitions here have summaries of the sizes that these have.
    match embed::summary_note_size(def) {
        OUTER => embed::notes::<OUTER, OUTER_DETAIL>(def).summary().to_vec(),
        other => panic!("a summary of {other} bytes"),
    }
}

const OUTER: usize = embed::summary_note_size(&def(Linkage::Both, "outer"));
const OUTER_DETAIL: usize = embed::detail_note_size(&def(Linkage::Both, "outer"));

#[track_caller]
fn check_root(records: &[(Linkage, &'static str)], file_name: &str, expected: &str) {
    let mut records: Vec<Record> = records
        .iter()
        .map(|(linkage, name)| record(*linkage, name))
        .collect();
    Record::assign_roles(&mut records, Some(file_name.as_ref()));
    for record in records {
        let root = record.summary.crate_name == expected;
        assert_eq!(
            record.role == Role::Root,
            root,
            "{}",
            record.summary.crate_name
        );
    }
}

#[test]
fn the_files_own_record_is_the_root() {
    use Linkage::{Both, Cdylib, Rlib};

    check_root(&[(Both, "inner")], "libx.so", "inner");
    check_root(&[(Rlib, "inner")], "libx.so", "inner");
    check_root(
        &[(Both, "inner"), (Cdylib, "outer")],
        "libinner.so",
        "outer",
    );
    check_root(&[(Rlib, "inner"), (Both, "outer")], "renamed.so", "outer");
    check_root(&[(Both, "outer"), (Both, "inner")], "libinner.so", "inner");
    check_root(
        &[(Both, "inner"), (Both, "outer")],
        "libouter.so.1",
        "outer",
    );
    check_root(&[(Both, "outer"), (Both, "inner")], "renamed.so", "outer");
}

/// The schema's JSON is what `plugwright inspect --format json` prints.
#[test]
fn json_of_a_record() {
    let summary = Summary::decode(NOTES.summary()).expect("our own summary");
    let detail = Detail::decode(NOTES.detail()).expect("our own detail");
    let json = serde_json::to_value(Record::new(summary, Some(detail))).expect("plain data");
    assert_eq!(json["role"], "root");
    assert_eq!(json["id"], "org.example.zstd");
    assert_eq!(json["version"], "1.2.3-beta.1");
    assert_eq!(json["provides"][0]["version"], "1.2");
    assert_eq!(json["detail"]["metadata"]["level"], 3);
    assert_eq!(
        json["detail"]["schemas"][0]["methods"][0],
        "fn name(&self) -> String"
    );
}

#[test]
fn json_metadata_is_encoded_as_the_macro_does() {
    assert_eq!(
        cbor::json_to_cbor(&serde_json::json!({"level": 3})),
        METADATA
    );
}

pub(crate) fn provided_and_schema() -> (plugwright_manifest::Provided, Schema) {
    let summary = Summary::decode(NOTES.summary()).expect("our own summary");
    let detail = Detail::decode(NOTES.detail()).expect("our own detail");
    (summary.provides[0].clone(), detail.schemas[0].clone())
}

/// What a record says of an interface.
#[expect(
    clippy::host_endian_bytes,
    reason = "a note's words have the byte order of the machine that made it: this one"
)]
pub(crate) fn described(
    interface: &'static InterfaceShape,
) -> (plugwright_manifest::Provided, Schema) {
    let provides: &[ProvidedDef] = vec![ProvidedDef {
        interface,
        ..DEF.provides[0]
    }]
    .leak();
    let notes = embed::note_bytes(&RecordDef { provides, ..DEF }).expect("small");
    let word = |at: usize| {
        let bytes = notes[at..][..4].try_into().expect("four bytes");
        usize::try_from(u32::from_ne_bytes(bytes)).expect("small")
    };
    let head = 12 + word(0).next_multiple_of(4);
    let summary = Summary::decode(&notes[head..][..word(4)]).expect("our own summary");
    let second = head + word(4).next_multiple_of(4);
    let detail = &notes[second + head..][..word(second + 4)];
    let mut detail = Detail::decode(detail).expect("our own detail");
    (summary.provides[0].clone(), detail.schemas.remove(0))
}

pub(crate) fn mismatch(wanted: &InterfaceShape) -> String {
    let (provided, schema) = provided_and_schema();
    match compat::check(wanted, &provided, Some(&schema)) {
        Ok(()) => "fits".to_owned(),
        Err(mismatch) => mismatch.to_string(),
    }
}
