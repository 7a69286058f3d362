//! What holds for any bytes: a decoder ends, and what it returns keeps every limit.

use plugwright_manifest::cbor::{self, Reader};
use plugwright_manifest::{Detail, MAX_ENTRIES, MAX_TEXT, Summary, is_valid_id, note};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::NOTES;

/// Both decoders, on the same bytes.
fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(summary) = Summary::decode(bytes) {
        check_summary(&summary)?;
        prop_assert!(bytes.len() <= note::MAX_SUMMARY);
        prop_assert_eq!(Summary::decode(bytes), Ok(summary));
    }
    if let Ok(detail) = Detail::decode(bytes) {
        check_detail(&detail)?;
        prop_assert_eq!(Detail::decode(bytes), Ok(detail));
    }
    check_readers(bytes)
}

fn check_summary(summary: &Summary) -> Result<(), TestCaseError> {
    prop_assert!(is_valid_id(summary.id.as_str()));
    prop_assert!(summary.provides.len() <= MAX_ENTRIES);
    let build = &summary.build;
    let mut texts = vec![
        summary.entry(),
        &summary.crate_name,
        &build.target,
        &build.profile,
        &build.rustc,
    ];
    for provided in &summary.provides {
        prop_assert!(is_valid_id(provided.interface.as_str()));
        prop_assert!(provided.fingerprints.len() <= MAX_ENTRIES);
        prop_assert!(provided.requires.len() <= MAX_ENTRIES);
        for required in &provided.requires {
            prop_assert!(is_valid_id(required.interface.as_str()));
            prop_assert!(required.fingerprints.len() <= MAX_ENTRIES);
        }
        prop_assert!(provided.keys.len() <= MAX_ENTRIES);
        texts.extend(provided.keys.iter().map(String::as_str));
    }
    prop_assert!(texts.iter().all(|text| text.len() <= MAX_TEXT));
    Ok(())
}

fn check_detail(detail: &Detail) -> Result<(), TestCaseError> {
    prop_assert!(detail.entry().len() <= MAX_TEXT);
    prop_assert!(detail.schemas.len() <= MAX_ENTRIES);
    prop_assert!(detail.provided_metadata.len() <= MAX_ENTRIES);
    for schema in (detail.schemas.iter()).flat_map(|schema| schema.requires.iter().chain([schema]))
    {
        prop_assert!(is_valid_id(schema.interface.as_str()));
        prop_assert!(schema.methods.len() <= MAX_ENTRIES);
        // Every type that was accepted can be written down.
        for method in &schema.methods {
            prop_assert!(method.to_string().starts_with("fn "));
        }
    }
    // Metadata that was read is plain JSON: it can be written and read again.
    let text = serde_json::to_string(&detail.metadata).expect("plain data");
    prop_assert!(!text.is_empty());
    Ok(())
}

/// What can be read as JSON is passed over as the same number of bytes.
fn check_readers(bytes: &[u8]) -> Result<(), TestCaseError> {
    let (mut json, mut skip) = (Reader::new(bytes), Reader::new(bytes));
    if cbor::to_json(&mut json).is_ok() {
        prop_assert!(skip.skip().is_ok());
        prop_assert_eq!(json.offset(), skip.offset());
    }
    Ok(())
}

/// One change of a record that somebody damaged.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Swap(Index, Index),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        let part = |at: &Index, count: usize| {
            let start = at.index(length);
            start..start.saturating_add(count).min(length)
        };
        match self {
            Self::Set(at, byte) => bytes[at.index(length)] = *byte,
            Self::Insert(at, new) => {
                bytes.splice(part(at, 0), new.iter().copied());
            }
            Self::Remove(at, count) => drop(bytes.drain(part(at, *count))),
            Self::Repeat(at, count) => {
                let part = part(at, *count);
                let again = bytes[part.clone()].to_vec();
                bytes.splice(part.start..part.start, again);
            }
            Self::Swap(one, other) => bytes.swap(one.index(length), other.index(length)),
        }
    }
}

/// Bytes that CBOR gives a meaning, more often than others.
fn byte() -> impl Strategy<Value = u8> {
    let heads = vec![
        0x00, 0x01, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x5f, 0x60, 0x61, 0x78, 0x7b, 0x7f,
        0x80, 0x81, 0x9a, 0x9b, 0x9f, 0xa0, 0xa1, 0xba, 0xbb, 0xbf, 0xc0, 0xdb, 0xf4, 0xf6, 0xf9,
        0xfb, 0xff,
    ];
    prop_oneof![3 => select(heads), 1 => any::<u8>()]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), vec(byte(), 1..12)).prop_map(|(at, new)| Change::Insert(at, new)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<Index>(), 1..400_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Change::Swap(one, other)),
    ]
}

/// A record's map with entries that are known, in any order and with any values.
fn record_like() -> impl Strategy<Value = Vec<u8>> {
    vec((0..12_u8, vec(byte(), 1..30)), 0..12).prop_map(|entries| {
        let mut bytes = vec![0xa0 | u8::try_from(entries.len()).expect("fewer than 12")];
        for (key, value) in entries {
            bytes.push(key);
            bytes.extend(value);
        }
        bytes
    })
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("JSON has finite numbers only", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let map = proptest::collection::btree_map(any::<String>(), inner.clone(), 0..6);
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::from),
            map.prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A detail that has nothing but an entry symbol and this metadata.
fn detail_with(metadata: &Value) -> Vec<u8> {
    let mut bytes = vec![0xa3, 0x00, 0x01, 0x01, 0x61, b'e', 0x08];
    bytes.extend(cbor::json_to_cbor(metadata));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in vec(byte(), 0..300)) {
        check(&bytes)?;
    }

    #[test]
    fn any_entries(bytes in record_like()) {
        check(&bytes)?;
    }

    #[test]
    fn any_changes_of_a_good_record(changes in vec(change(), 1..6)) {
        for good in [NOTES.summary(), NOTES.detail()] {
            let mut bytes = good.to_vec();
            for change in &changes {
                change.apply(&mut bytes);
            }
            check(&bytes)?;
        }
    }

    #[test]
    fn any_metadata_comes_back(metadata in json()) {
        let bytes = cbor::json_to_cbor(&metadata);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(cbor::to_json(&mut reader), Ok(metadata.clone()));
        prop_assert!(reader.is_at_end());
        let detail = Detail::decode(&detail_with(&metadata)).expect("a detail");
        prop_assert_eq!(detail.metadata, metadata);
    }
}

/// As deep as JSON's own reader goes, and no deeper than the decoder's limit.
#[test]
fn metadata_as_deep_as_a_file_can_have_it_comes_back() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let deepest = (0..200).rev().find_map(|depth| {
        let value: Value = serde_json::from_str(&nested(depth)).ok()?;
        Some((depth, value))
    });
    let (depth, value) = deepest.expect("an empty array is JSON");
    assert!(depth > 100, "only {depth} deep");
    let detail = Detail::decode(&detail_with(&value)).expect("a detail");
    assert_eq!(detail.metadata, value);
    // What JSON's reader refuses, bytes can hold all the same.
    let mut bytes = vec![0xa3, 0x00, 0x01, 0x01, 0x61, b'e', 0x08];
    bytes.extend([0x81].repeat(100_000));
    bytes.push(0x80);
    assert!(Detail::decode(&bytes).is_err());
    assert!(Reader::new(&bytes).skip().is_err());
}
