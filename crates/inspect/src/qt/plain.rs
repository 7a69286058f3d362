//! Qt's CBOR as nearly every plugin has it, looked through without making a value of it.
//!
//! What a scan asks for are the id, the class and the keys; the rest, which is up to forty
//! kilobytes of translated names, is made into JSON for who asks for it. The promise to keep:
//! what is taken here decodes without a fault, and says the same. Whatever is out of the
//! ordinary is therefore not taken, and decoded at once by [`super::json`], which tells what
//! is wrong with it.

use std::borrow::Cow;
use std::ops::Range;

use plugwright_manifest::cbor::{Item, Reader};

use crate::limits;

/// Where in the CBOR stands what a scan asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) iid: Option<Range<usize>>,
    pub(super) class_name: Option<Range<usize>>,
    /// The first of the texts in `MetaData.Keys`, which follow each other, and their number.
    pub(super) keys: Option<(usize, usize)>,
}

/// Keys of JSON that have a meaning at the top, and stand in the CBOR as numbers or not at all.
const RESERVED: [&str; 8] = [
    "IID",
    "className",
    "MetaData",
    "URI",
    "version",
    "debug",
    "archreq",
    "archlevel",
];

/// Looks through the whole map; `None` if anything in it is out of the ordinary.
pub(super) fn look(cbor: &[u8]) -> Option<Places> {
    let mut look = Look {
        reader: Reader::new(cbor),
        left: limits::QT_VALUES,
    };
    let Item::Map(mut rest) = look.reader.item().ok()? else {
        return None;
    };
    let mut places = Places::default();
    let mut seen = [false; 4];
    while let Some(key) = look.next(&mut rest)? {
        match key {
            Item::Unsigned(number @ 2..=5) => {
                let seen = seen.get_mut(usize::try_from(number.checked_sub(2)?).ok()?)?;
                if std::mem::replace(seen, true) {
                    return None;
                }
                match number {
                    2 => places.iid = Some(look.text()?),
                    3 => places.class_name = Some(look.text()?),
                    4 => places.keys = look.user_data()?,
                    _ => look.value(1)?,
                }
            }
            Item::Text(text) if !RESERVED.contains(&&*text) => look.value(1)?,
            _ => return None,
        }
    }
    Some(places)
}

/// The texts at `places`, a definite text each.
pub(super) fn texts(cbor: &[u8], places: Option<(usize, usize)>) -> impl Iterator<Item = &str> {
    let (start, count) = places.unwrap_or_default();
    let mut reader = Reader::new(cbor.get(start..).unwrap_or_default());
    (0..count).map_while(move |_| match reader.item() {
        Ok(Item::Text(Cow::Borrowed(text))) => Some(text),
        _ => None,
    })
}

struct Look<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Look<'a> {
    /// The next element's head, or the end; `rest` is what a definite length still owes.
    fn next(&mut self, rest: &mut Option<u64>) -> Option<Option<Item<'a>>> {
        if let Some(count) = rest {
            let Some(less) = count.checked_sub(1) else {
                return Some(None);
            };
            *count = less;
        }
        match self.reader.item().ok()? {
            Item::Break if rest.is_none() => Some(None),
            item => Some(Some(item)),
        }
    }

    /// A text in one piece.
    fn text(&mut self) -> Option<Range<usize>> {
        self.left = self.left.checked_sub(1)?;
        let Item::Text(Cow::Borrowed(text)) = self.reader.item().ok()? else {
            return None;
        };
        let end = self.reader.offset();
        Some(end.checked_sub(text.len())?..end)
    }

    /// The application's own data: a map of texts to anything, and where its keys are.
    #[expect(
        clippy::option_option,
        reason = "out of the ordinary, without keys, and with them"
    )]
    fn user_data(&mut self) -> Option<Option<(usize, usize)>> {
        self.left = self.left.checked_sub(1)?;
        let Item::Map(mut rest) = self.reader.item().ok()? else {
            return None;
        };
        let mut keys = None;
        while let Some(key) = self.next(&mut rest)? {
            match key {
                Item::Text(name) if name == "Keys" && keys.is_some() => return None,
                Item::Text(name) if name == "Keys" => keys = Some(self.list()?),
                Item::Text(_) => self.value(2)?,
                _ => return None,
            }
        }
        Some(keys)
    }

    /// An array of texts in one piece each.
    fn list(&mut self) -> Option<(usize, usize)> {
        self.left = self.left.checked_sub(1)?;
        let Item::Array(mut rest) = self.reader.item().ok()? else {
            return None;
        };
        let start = self.reader.offset();
        let mut count = 0_usize;
        while let Some(item) = self.next(&mut rest)? {
            self.left = self.left.checked_sub(1)?;
            let Item::Text(Cow::Borrowed(_)) = item else {
                return None;
            };
            count = count.checked_add(1)?;
        }
        Some((start, count))
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        let item = self.reader.item().ok()?;
        self.rest_of(&item, depth)
    }

    /// Passes over what follows `item`.
    fn rest_of(&mut self, item: &Item<'a>, depth: usize) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        if depth > limits::QT_DEPTH {
            return None;
        }
        let deeper = depth.checked_add(1)?;
        match *item {
            Item::Text(_)
            | Item::Bool(_)
            | Item::Unsigned(_)
            | Item::Negative(_)
            | Item::Float(_)
            | Item::Null => {}
            Item::Array(mut rest) => {
                while let Some(item) = self.next(&mut rest)? {
                    self.rest_of(&item, deeper)?;
                }
            }
            Item::Map(mut rest) => {
                while let Some(key) = self.next(&mut rest)? {
                    let Item::Text(_) = key else {
                        return None;
                    };
                    self.value(deeper)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::Header;
    use super::super::json;
    use super::*;

    const HEADERS: [Header; 2] = [header(5), header(6)];

    const fn header(qt_major: u8) -> Header {
        Header {
            qt_major,
            qt_minor: 15,
            level: 1,
            debug: true,
            requirements: 1,
        }
    }

    /// Whether it is taken; if so, it decodes to what was found.
    #[track_caller]
    fn is_taken(cbor: &[u8]) -> bool {
        let Some(places) = look(cbor) else {
            return false;
        };
        let text = |place: &Option<Range<usize>>| {
            let bytes = cbor.get(place.clone()?).expect("inside");
            Some(std::str::from_utf8(bytes).expect("text"))
        };
        for header in HEADERS {
            let json = json::decode(cbor, header).expect("it decodes");
            let member = |key: &str| json.get(key).and_then(Value::as_str);
            assert_eq!(text(&places.iid), member("IID"), "{cbor:x?}");
            assert_eq!(text(&places.class_name), member("className"), "{cbor:x?}");
            let keys = json.get("MetaData").and_then(|user| user.get("Keys"));
            let keys = keys.and_then(Value::as_array).into_iter().flatten();
            let keys: Vec<&str> = keys.filter_map(Value::as_str).collect();
            assert_eq!(texts(cbor, places.keys).collect::<Vec<_>>(), keys);
            assert_eq!(json.get("version"), Some(&json_version(header)));
            assert_eq!(json.get("debug"), Some(&Value::Bool(true)));
        }
        true
    }

    fn json_version(header: Header) -> Value {
        Value::from(u32::from(header.qt_major) << 16 | u32::from(header.qt_minor) << 8)
    }

    #[test]
    fn what_is_taken() {
        for cbor in [
            &b"\xa0"[..],
            b"\xbf\xff",
            b"\xbf\x02\x61a\x03\x61B\x04\xa1\x64Keys\x81\x61k\xff",
            b"\xa1\x04\xbf\x61x\x9f\x01\x20\xf9\0\0\xf4\xf6\xa1\x60\x80\xff\x64Keys\x9f\x61k\xff\xff",
            b"\xa2\x05\x61u\x61x\x81\x01",
        ] {
            assert!(is_taken(cbor), "{cbor:x?}");
        }
        for cbor in [
            &b""[..],
            b"\x80",
            b"\xff",
            b"\xa1",
            // Twice, a number that is none of Qt's, a name that is.
            b"\xa2\x02\x61a\x02\x61b",
            b"\xa1\x01\x01",
            b"\xa1\x65debug\xf4",
            // Texts that are none, or in pieces.
            b"\xa1\x02\x41a",
            b"\xa1\x02\x7f\x61a\xff",
            b"\xa1\x02\x61\xff",
            b"\xa1\x04\x80",
            b"\xa1\x04\xa1\x64Keys\x81\x01",
            b"\xa1\x04\xa2\x64Keys\x80\x64Keys\x80",
            b"\xa1\x04\xa1\x01\x01",
            b"\xa1\x61x\xc1\x01",
            b"\xa1\x61x\xff",
        ] {
            assert!(!is_taken(cbor), "{cbor:x?}");
        }
        let mut deep = b"\xa1\x61x".to_vec();
        deep.resize(deep.len() + limits::QT_DEPTH, 0x81);
        assert!(!is_taken(&[&deep[..], b"\x01"].concat()));
        deep.pop();
        assert!(is_taken(&[&deep[..], b"\x01"].concat()));
    }

    /// What a map is made of, in and out of order.
    const PIECES: &[&[u8]] = &[
        b"\xbf",
        b"\xff",
        b"\xa1",
        b"\xa2",
        b"\x9f",
        b"\x81",
        b"\x02",
        b"\x03",
        b"\x04",
        b"\x05",
        b"\x61a",
        b"\x64Keys",
        b"\x63IID",
        b"\x20",
        b"\xf5",
        b"\xf6",
        b"\xf7",
        b"\x41a",
        b"\x7f\x61a\xff",
        b"\xfb\x7f\xf0\0\0\0\0\0\0",
        b"\xc1",
        b"\xe0",
    ];

    proptest! {
        /// Whatever is taken decodes, and says the same.
        #[test]
        fn what_is_taken_decodes(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
            let cbor = [&b"\xbf"[..], &pieces.concat()].concat();
            let _either: bool = is_taken(&cbor);
            let _either: bool = is_taken(&[&cbor[..], b"\xff\xff"].concat());
        }
    }
}
