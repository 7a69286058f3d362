//! `docs/abi.md` says what the code does: its tables of layouts and numbers are made of the code,
//! and what it says of fingerprints and of bytes is done here by its words alone.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use fixture_matrix_interface::Matrix;
use fixture_matrix_interface::types::Growing;
use plugwright_manifest::schema::{Constant, Field, Holder, Receiver, Schema, Type, Variant};
use plugwright_plugin::remote::Invocation;
use plugwright_plugin::{Interface, Portable, interface};

use crate::layout::{layouts, numbers};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/abi.md")
}

fn document() -> String {
    std::fs::read_to_string(path()).expect("readable")
}

/// Compares what stands between two marks with what should; `PLUGWRIGHT_BLESS` writes it.
#[track_caller]
fn check(mark: &str, expected: &str) {
    // Tests that write wait for each other.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let document = document();
    let (begin, end) = (
        format!("<!-- begin {mark} -->\n"),
        format!("<!-- end {mark} -->"),
    );
    let (before, rest) = document.split_once(&begin).expect("a mark");
    let (found, after) = rest.split_once(&end).expect("the mark's end");
    if found == expected {
        return;
    }
    if std::env::var_os("PLUGWRIGHT_BLESS").is_some() {
        let text = format!("{before}{begin}{expected}{end}{after}");
        std::fs::write(path(), text).expect("written");
        return;
    }
    panic!(
        "docs/abi.md says something else than the code of its {mark}; with PLUGWRIGHT_BLESS=1 this \
         test writes:\n{expected}"
    );
}

#[test]
#[cfg(target_pointer_width = "64")]
fn layouts_stand_in_the_document() {
    let mut table = "| struct | size | alignment | fields |\n|---|---|---|---|\n".to_owned();
    for (name, size, align, fields) in layouts() {
        let fields = fields.iter().map(|(field, at)| format!("`{field}` {at}"));
        let fields = fields.collect::<Vec<_>>().join(", ");
        writeln!(table, "| `{name}` | {size} | {align} | {fields} |").expect("memory");
    }
    check("layouts", &table);
}

#[test]
fn numbers_stand_in_the_document() {
    let mut table = "| name | number |\n|---|---|\n".to_owned();
    for (name, number) in numbers() {
        writeln!(table, "| `{name}` | {number} |").expect("memory");
    }
    check("numbers", &table);
}

/// Every struct and number of the header is in the document, and the document has no others.
#[test]
fn document_and_header_have_the_same_names() {
    let header = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let header = std::fs::read_to_string(header.join("include/plugwright_plugin.h"));
    let header = header.expect("readable");
    let names = |text: &str| {
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let words = words.filter(|word| word.starts_with("pw_") || word.starts_with("PW_"));
        words
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (document, header) = (names(&document()), names(&header));
    let unknown: Vec<_> = document.difference(&header).collect();
    assert!(unknown.is_empty(), "the header has no {unknown:?}");
    let missing: Vec<_> = header.difference(&document).collect();
    assert!(
        missing.is_empty(),
        "the document says nothing of {missing:?}"
    );
}

/// The shape codes of the table of values, by the type in the first column.
fn codes() -> BTreeMap<String, u64> {
    let document = document();
    let (_, values) = document.split_once("## Values\n").expect("a section");
    let (values, _) = values.split_once("\n## ").expect("another section");
    let mut codes = BTreeMap::new();
    for row in values.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let Some(numbers) = cells.get(2) else {
            continue;
        };
        let numbers = numbers.split(", ").filter_map(|number| number.parse().ok());
        // A row of something without a name of its own begins with what it is.
        let quoted: Vec<&str> = cells[0].split('`').skip(1).step_by(2).collect();
        let names = if cells[0].starts_with('`') || cells[0].ends_with("`#[encoded]`") {
            quoted
        } else {
            vec![cells[0]]
        };
        let numbers: Vec<u64> = numbers.collect();
        // Several types of one code are given it once.
        let numbers = numbers
            .iter()
            .cycle()
            .take(if numbers.is_empty() { 0 } else { names.len() });
        codes.extend(
            names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(numbers.copied()),
        );
    }
    codes
}

/// A fingerprint, computed as the section on fingerprints says.
struct Fnv<'a> {
    value: u64,
    codes: &'a BTreeMap<String, u64>,
}

impl Fnv<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.value = (self.value ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn code(&mut self, of: &str) {
        let code = *self
            .codes
            .get(of)
            .unwrap_or_else(|| panic!("no code of {of}"));
        self.number(code);
    }

    fn fields(&mut self, fields: &[Field]) {
        self.number(fields.len() as u64);
        for field in fields {
            self.text(&field.name);
            self.shape(&field.ty);
        }
    }

    fn variants(&mut self, variants: &[Variant]) {
        self.number(variants.len() as u64);
        for variant in variants {
            self.text(&variant.name);
            self.fields(&variant.fields);
        }
    }

    fn shape(&mut self, shape: &Type) {
        match shape {
            Type::Scalar(scalar) => self.code(scalar.name()),
            Type::Option(of) => self.parts("Option<T>", &[of]),
            Type::Result(ok, err) => self.parts("Result<T, E>", &[ok, err]),
            Type::Vec(of) => self.parts("Vec<T>", &[of]),
            Type::Slice(of) => self.parts("&[T]", &[of]),
            Type::Ref(of) => self.parts("&T", &[of]),
            Type::SliceMut(of) => self.parts("&mut [N]", &[of]),
            Type::Map(key, value) => self.parts("maps", &[key, value]),
            Type::Set(of) => self.parts("sets", &[of]),
            Type::Future(of) => self.parts("PluginFuture<'_, T>", &[of]),
            Type::LocalFuture(of) => self.parts("LocalPluginFuture<'_, T>", &[of]),
            Type::Tuple(parts) => {
                self.code("tuples of two to eight");
                self.number(parts.len() as u64);
                parts.iter().for_each(|part| self.shape(part));
            }
            Type::Array(of, length) => {
                self.code("[T; N]");
                self.shape(of);
                self.number(*length);
            }
            Type::Struct(_, fields) => {
                self.code("derived struct");
                self.fields(fields);
            }
            Type::Enum(_, variants) => {
                self.code("derived enum");
                self.variants(variants);
            }
            Type::Open(_, variants, _) => {
                self.code("derived enum with an `#[unknown]` variant");
                self.variants(variants);
            }
            Type::Interface(holder, id, major) => {
                self.code("Box<dyn I>");
                self.number(match holder {
                    Holder::Box => 0,
                    Holder::Arc => 1,
                    Holder::Ref => 2,
                    _ => 3,
                });
                self.text(id.as_str());
                self.number(u64::from(*major));
            }
            Type::Constant(Constant {
                scalar, bits, text, ..
            }) => {
                self.code("a constant of an interface");
                self.code(scalar.name());
                self.number(*bits);
                self.text(text);
            }
            other => panic!("the document does not know {other:?}"),
        }
    }

    fn parts(&mut self, kind: &str, parts: &[&Type]) {
        self.code(kind);
        parts.iter().for_each(|part| self.shape(part));
    }
}

/// An interface of all kinds of types, with what the matrix of types has not.
#[interface(id = "org.example.documented", version = "1.0")]
pub(crate) trait Documented {
    const LIMIT: i16 = -3;
    const NAME: &str = "text";
    fn exclusive(&mut self, first: u32, second: Option<String>) -> (u8, bool);
    fn owned(self: Box<Self>, rows: &[Vec<u16>], to: &mut [f64]);
    fn lent(&self, object: &dyn crate::lies::Probe, kept: Box<dyn crate::lies::Probe>) -> [i64; 3];
}

#[test]
fn fingerprints_are_computed_as_the_document_says() {
    let codes = codes();
    let mut compared = 0;
    let mut check = |shape: &'static plugwright_plugin::InterfaceShape| {
        for (method, expected) in Schema::from(shape).methods.iter().zip(shape.methods) {
            let mut hash = Fnv {
                value: 0xcbf2_9ce4_8422_2325,
                codes: &codes,
            };
            hash.text(&method.name);
            hash.number(method.params.len() as u64);
            method.params.iter().for_each(|param| hash.shape(&param.ty));
            hash.shape(&method.result);
            match method.receiver {
                Receiver::Exclusive => hash.number(257),
                Receiver::Owned => hash.number(258),
                _ => {}
            }
            assert_eq!(hash.value, expected.fingerprint(), "{method}");
            compared += 1;
        }
    };
    check(<dyn Documented as Interface>::SHAPE);
    check(<dyn crate::lies::Deep as Interface>::SHAPE);
    check(<dyn Matrix as Interface>::SHAPE);
    check(<dyn fixture_matrix_interface::Later as Interface>::SHAPE);
    assert!(compared > 40, "{compared}");
}

/// Each row of the table of bytes, with a method of the matrix that gives its argument back, and
/// the bytes that the row says.
#[test]
fn values_are_the_bytes_that_the_document_says() {
    let methods = <dyn Matrix as Interface>::SHAPE.methods;
    let check = |row: &str, name: &str, bytes: &[u8]| {
        assert!(document().contains(row), "the document has no row {row:?}");
        let index = methods.iter().position(|method| method.name == name);
        let index = u32::try_from(index.expect("a method")).expect("few");
        let object = crate::matrix::echo().into_object();
        let echoed = object.invoke(&Invocation::new(), index, bytes);
        assert_eq!(echoed.as_deref(), Ok(bytes), "{name}: {row}");
    };
    let numbers = "| numbers, `NonZero`, `char` | in their own size, the lowest byte first; `usize` and `isize` as 64 bits |";
    check(numbers, "int_u16", &[2, 1]);
    check(numbers, "int_usize", &[1, 2, 3, 4, 5, 6, 7, 0]);
    check(numbers, "int_i128", &[0xff; 16]);
    check(numbers, "letter", &[0xdf, 0, 0, 0]);
    check(numbers, "non_zero", &[0, 1]);
    check("| `bool`, `()` | one byte |", "truth", &[1]);
    check("| `bool`, `()` | one byte |", "unit", &[0]);
    let duration = "| `Duration` | seconds in eight bytes, nanoseconds in four |";
    check(duration, "duration", &[7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    let lengths = "| lengths, numbers of variants | LEB128: seven bits a byte, the lowest first, the highest bit set when more follow |";
    let mut long = vec![0xc8, 1];
    long.extend([b'a'; 200]);
    check(lengths, "string", &long);
    let text = "| text, paths, what is encoded, `Buffer`, slices, vectors, maps, sets | the length, then the elements; a map's are key and value |";
    check(text, "string", b"\x02ab");
    check(text, "path", b"\x02/a");
    check(text, "buffer", &[2, 9, 9]);
    check(text, "words_owned", &[1, 5, 0, 0, 0, 0, 0, 0, 0]);
    check(text, "tree_map", b"\x02\x01a\x07\x01b\x08");
    check(text, "tree_set", &[1, b'x', 0, 0, 0]);
    let option =
        "| `Option`, `Result` | one byte, 1 for `Some` and `Ok`, then the value if there is one |";
    check(option, "option", &[0]);
    check(option, "option", &[1, 4, 3, 2, 1]);
    check(option, "nested", &[1, 0]);
    check(option, "result", &[1, 9]);
    check(option, "result", b"\x00\x01e");
    let parts = "| tuples, arrays, structs | their parts; a struct without fields is one byte 0 |";
    check(parts, "pair", b"\x07\x01a");
    check(parts, "array", b"\x01a\x00\x01b");
    check(parts, "empty", &[0]);
    check(
        parts,
        "point",
        &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, b'l', 3, 0],
    );
    let variants = "| enums | the number of the variant, then its fields |";
    check(variants, "generic_enum", &[0]);
    check(variants, "generic_enum", b"\x02\x01l\x01r");
    check(variants, "own_error", b"\x00\x01\x01t\x02\x01");
    let open = "| enums that grow | the fingerprint of the variant in eight bytes, the length of its fields in bytes, the fields |";
    let growing = |index: usize, fields: &[u8]| {
        let shape = <Growing<Vec<String>> as Portable>::SHAPE;
        let mut bytes = shape.variant(index).to_le_bytes().to_vec();
        bytes.push(u8::try_from(fields.len()).expect("few"));
        bytes.extend(fields);
        bytes
    };
    check(open, "growing", &growing(0, &[]));
    check(open, "growing", &growing(1, b"\x01\x01s\x05"));
}
