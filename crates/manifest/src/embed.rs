//! Encoding a record at compile time, into the very bytes that lie in the binary.
//!
//! `#[plugin]` builds a [`RecordDef`] from literals and constants; [`notes`] turns it into
//! a static in the section that [`crate::note`] names. Everything here is `const`, so the
//! plugin's own code never runs to say what the plugin is. The result depends on the
//! definition alone: no path and no time enters it.

use crate::note;
use crate::schema::{FieldShape, InterfaceShape, MethodShape, Receiver, Shape, VariantShape, code};

/// How a plugin's library was built: facts that the SDK's build script gathers.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct BuildDef {
    /// The number of the SDK's binary interface.
    pub abi: u32,
    /// The target triple.
    pub target: &'static str,
    /// `debug` or `release`.
    pub profile: &'static str,
    /// The compiler's version line.
    pub rustc: &'static str,
    /// Whether a panic ends the process.
    pub panic_abort: bool,
    /// Whether the author declares that the library may be unmapped.
    pub unloadable: bool,
}

/// How the crate that holds the plugin was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Linkage {
    /// The compiler's arguments did not tell.
    Unknown = 0,
    /// As a library of its own only.
    Cdylib = 1,
    /// As a Rust library only: it can only be embedded in another.
    Rlib = 2,
    /// As both.
    Both = 3,
}

/// An interface that a plugin provides.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct ProvidedDef {
    /// The interface as the plugin was built with it.
    pub interface: &'static InterfaceShape,
    /// The names under which the plugin is found, best first.
    pub keys: &'static [&'static str],
    /// Which of several providers of one key is preferred: the greater wins.
    pub rank: i32,
    /// Application metadata of this provided interface, as CBOR; empty for none.
    pub metadata: &'static [u8],
}

/// A plugin's record.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "built by macros as a constant")]
pub struct RecordDef {
    /// The symbol of the plugin's entry function.
    pub entry: &'static str,
    /// The plugin's reverse-DNS name.
    pub id: &'static str,
    /// The plugin's version in semver's form.
    pub version: &'static str,
    /// The crate that holds the plugin.
    pub crate_name: &'static str,
    /// How that crate was compiled.
    pub linkage: Linkage,
    /// What it provides.
    pub provides: &'static [ProvidedDef],
    /// Whether all who ask for it share one instance.
    pub singleton: bool,
    /// Whether its instances take a configuration.
    pub configurable: bool,
    /// What it asks to be allowed: texts of [`crate::Capability`].
    pub capabilities: &'static [&'static str],
    /// How it was built.
    pub build: BuildDef,
    /// Its name for people; may be empty.
    pub name: &'static str,
    /// One sentence about it; may be empty.
    pub description: &'static str,
    /// An SPDX licence expression; may be empty.
    pub license: &'static str,
    /// Its authors, separated by colons as cargo does; may be empty.
    pub authors: &'static str,
    /// Where to read more; may be empty.
    pub homepage: &'static str,
    /// Application metadata as CBOR; empty for none.
    pub metadata: &'static [u8],
}

/// Both notes of a record, as they lie in the file.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct Notes<const S: usize, const D: usize> {
    summary: [u8; S],
    detail: [u8; D],
}

impl<const S: usize, const D: usize> Notes<S, D> {
    /// The bytes of both notes, as they lie in the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.summary.as_slice(), self.detail.as_slice()].concat()
    }

    /// The summary's CBOR: what [`crate::Summary::decode`] reads.
    #[must_use]
    pub const fn summary(&self) -> &[u8] {
        descriptor(&self.summary)
    }

    /// The detail's CBOR: what [`crate::Detail::decode`] reads.
    #[must_use]
    pub const fn detail(&self) -> &[u8] {
        descriptor(&self.detail)
    }
}

/// The size in bytes of what stands in front of a descriptor: three words and the owner.
const HEAD: usize = 12 + note::OWNER.len().next_multiple_of(4);

/// The descriptor of one of our own notes.
#[expect(
    clippy::host_endian_bytes,
    reason = "the note was built in this very program, in the target's byte order"
)]
const fn descriptor(bytes: &[u8]) -> &[u8] {
    let length = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    bytes.split_at(HEAD).1.split_at(length as usize).0
}

/// Writes into memory that may be too short: without any it only counts.
///
/// The compiler runs this while it compiles a plugin, a few million steps in a second: so what is
/// written most, one byte, takes the fewest calls, and what is counted is not taken apart.
struct Writer<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    const fn byte(&mut self, byte: u8) {
        if self.length < self.bytes.len() {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }

    const fn raw(&mut self, bytes: &[u8]) {
        if self.length < self.bytes.len() {
            let mut index = 0;
            while index < bytes.len() && self.length + index < self.bytes.len() {
                self.bytes[self.length + index] = bytes[index];
                index += 1;
            }
        }
        self.length += bytes.len();
    }

    const fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        if argument < 24 {
            self.byte(major | bytes[7]);
        } else if argument <= 0xff {
            self.byte(major | 24);
            self.byte(bytes[7]);
        } else if argument <= 0xffff {
            self.byte(major | 25);
            self.raw(&[bytes[6], bytes[7]]);
        } else if argument <= 0xffff_ffff {
            self.byte(major | 26);
            self.raw(&[bytes[4], bytes[5], bytes[6], bytes[7]]);
        } else {
            self.byte(major | 27);
            self.raw(&bytes);
        }
    }

    const fn unsigned(&mut self, value: u64) {
        self.head(0, value);
    }

    const fn signed(&mut self, value: i64) {
        if value < 0 {
            // CBOR stores `-1 - n`, which is the complement.
            self.head(1, (!value).cast_unsigned());
        } else {
            self.head(0, value.cast_unsigned());
        }
    }

    const fn text(&mut self, text: &str) {
        self.head(3, text.len() as u64);
        self.raw(text.as_bytes());
    }

    const fn boolean(&mut self, value: bool) {
        self.byte(if value { 0xf5 } else { 0xf4 });
    }

    const fn array(&mut self, count: usize) {
        self.head(4, count as u64);
    }

    const fn map(&mut self, count: usize) {
        self.head(5, count as u64);
    }

    const fn fields(&mut self, fields: &[FieldShape]) {
        self.array(fields.len());
        let mut index = 0;
        while index < fields.len() {
            self.array(2);
            self.text(fields[index].name);
            self.shape(fields[index].shape);
            index += 1;
        }
    }

    const fn one(&mut self, code: u64, part: &Shape) {
        self.array(2);
        self.unsigned(code);
        self.shape(part);
    }

    const fn two(&mut self, code: u64, first: &Shape, second: &Shape) {
        self.array(3);
        self.unsigned(code);
        self.shape(first);
        self.shape(second);
    }

    const fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Scalar(scalar) => self.unsigned(*scalar as u64),
            Shape::Option(some) => self.one(code::OPTION, some),
            Shape::Result(ok, err) => self.two(code::RESULT, ok, err),
            Shape::Vec(element) => self.one(code::VEC, element),
            Shape::Slice(element) => self.one(code::SLICE, element),
            Shape::Ref(value) => self.one(code::REF, value),
            Shape::Future(value) => self.one(code::FUTURE, value),
            Shape::LocalFuture(value) => self.one(code::LOCAL_FUTURE, value),
            Shape::SliceMut(element) => self.one(code::SLICE_MUT, element),
            Shape::Tuple(parts) => {
                self.array(2);
                self.unsigned(code::TUPLE);
                self.array(parts.len());
                let mut index = 0;
                while index < parts.len() {
                    self.shape(parts[index]);
                    index += 1;
                }
            }
            Shape::Array(element, length) => {
                self.array(3);
                self.unsigned(code::ARRAY);
                self.shape(element);
                self.unsigned(*length as u64);
            }
            Shape::Map(key, value) => self.two(code::MAP, key, value),
            Shape::Set(element) => self.one(code::SET, element),
            Shape::Interface(holder, id, major) => {
                self.array(4);
                self.unsigned(code::INTERFACE);
                self.unsigned(*holder as u64);
                self.text(id);
                self.unsigned(*major as u64);
            }
            Shape::Constant(constant) => {
                self.array(4);
                self.unsigned(code::CONSTANT);
                self.unsigned(constant.scalar as u64);
                self.unsigned(constant.bits);
                self.text(constant.text);
            }
            Shape::Struct(name, fields) => {
                self.array(3);
                self.unsigned(code::STRUCT);
                self.text(name);
                self.fields(fields);
            }
            Shape::Enum(name, variants) => {
                self.array(3);
                self.unsigned(code::ENUM);
                self.text(name);
                self.variants(variants);
            }
            Shape::Open(name, variants, later) => {
                self.array(4);
                self.unsigned(code::OPEN);
                self.text(name);
                self.variants(variants);
                self.variants(later);
            }
        }
    }

    const fn variants(&mut self, variants: &[VariantShape]) {
        self.array(variants.len());
        let mut index = 0;
        while index < variants.len() {
            self.array(2);
            self.text(variants[index].name);
            self.fields(variants[index].fields);
            index += 1;
        }
    }

    const fn method(&mut self, method: &MethodShape) {
        let is_shared = matches!(method.receiver, Receiver::Shared);
        self.array(if is_shared { 4 } else { 5 });
        self.text(method.name);
        self.fields(method.params);
        self.shape(method.result);
        self.unsigned(method.since as u64);
        if !is_shared {
            self.unsigned(method.receiver as u64);
        }
    }

    const fn version_of(&mut self, interface: &InterfaceShape) {
        self.text(interface.id);
        self.unsigned(interface.version.major as u64);
        self.unsigned(interface.version.minor as u64);
    }

    /// The summary's CBOR: a map with the keys that [`crate::Summary`] reads.
    const fn summary(&mut self, def: &RecordDef) {
        // What is not asked for takes no room.
        let asks = !def.capabilities.is_empty();
        self.map(if asks { 10 } else { 9 });
        self.unsigned(0);
        self.unsigned(crate::record::FORMAT);
        self.unsigned(1);
        self.text(def.entry);
        self.unsigned(2);
        self.text(def.id);
        self.unsigned(3);
        self.text(def.version);
        self.unsigned(4);
        self.array(2);
        self.text(def.crate_name);
        self.unsigned(def.linkage as u64);
        self.unsigned(5);
        self.array(def.provides.len());
        let mut index = 0;
        while index < def.provides.len() {
            self.provided(&def.provides[index]);
            index += 1;
        }
        self.unsigned(6);
        self.array(6);
        self.unsigned(def.build.abi as u64);
        self.text(def.build.target);
        self.text(def.build.profile);
        self.text(def.build.rustc);
        self.boolean(def.build.panic_abort);
        self.boolean(def.build.unloadable);
        self.unsigned(7);
        self.boolean(def.singleton);
        self.unsigned(8);
        self.boolean(def.configurable);
        if asks {
            self.unsigned(9);
            self.array(def.capabilities.len());
            let mut index = 0;
            while index < def.capabilities.len() {
                self.text(def.capabilities[index]);
                index += 1;
            }
        }
    }

    const fn provided(&mut self, provided: &ProvidedDef) {
        self.array(8);
        self.compared(provided.interface);
        let requires = provided.interface.requires;
        self.array(requires.len());
        let mut index = 0;
        while index < requires.len() {
            self.array(5);
            self.compared(requires[index]);
            index += 1;
        }
        self.array(provided.keys.len());
        let mut index = 0;
        while index < provided.keys.len() {
            self.text(provided.keys[index]);
            index += 1;
        }
        self.signed(provided.rank as i64);
    }

    /// What tells whether an interface fits: five items.
    const fn compared(&mut self, interface: &InterfaceShape) {
        self.version_of(interface);
        self.unsigned(interface.bounds.code() as u64);
        let methods = interface.methods;
        self.array(methods.len());
        let mut index = 0;
        while index < methods.len() {
            self.unsigned(methods[index].fingerprint());
            index += 1;
        }
    }

    /// The detail's CBOR: a map with the keys that [`crate::Detail`] reads.
    const fn detail(&mut self, def: &RecordDef) {
        self.map(10);
        self.unsigned(0);
        self.unsigned(crate::record::FORMAT);
        self.unsigned(1);
        self.text(def.entry);
        self.unsigned(2);
        self.text(def.name);
        self.unsigned(3);
        self.text(def.description);
        self.unsigned(4);
        self.text(def.license);
        self.unsigned(5);
        self.text(def.authors);
        self.unsigned(6);
        self.text(def.homepage);
        self.unsigned(7);
        self.array(def.provides.len());
        let mut index = 0;
        while index < def.provides.len() {
            self.schema(def.provides[index].interface);
            index += 1;
        }
        self.unsigned(8);
        self.value(def.metadata);
        self.unsigned(9);
        self.array(def.provides.len());
        let mut index = 0;
        while index < def.provides.len() {
            self.value(def.provides[index].metadata);
            index += 1;
        }
    }

    /// An interface with those that it requires. These do not repeat what they require: it is
    /// among them.
    const fn schema(&mut self, interface: &InterfaceShape) {
        let requires = interface.requires;
        if requires.is_empty() {
            self.array(5);
            self.methods(interface);
            return;
        }
        self.array(6);
        self.methods(interface);
        self.array(requires.len());
        let mut index = 0;
        while index < requires.len() {
            self.array(5);
            self.methods(requires[index]);
            index += 1;
        }
    }

    const fn methods(&mut self, interface: &InterfaceShape) {
        self.version_of(interface);
        self.unsigned(interface.bounds.code() as u64);
        self.array(interface.methods.len());
        let mut method = 0;
        while method < interface.methods.len() {
            self.method(&interface.methods[method]);
            method += 1;
        }
    }

    const fn summary_note(&mut self, def: &RecordDef) {
        let start = self.note_head(note::SUMMARY);
        self.summary(def);
        self.note_end(start);
    }

    const fn detail_note(&mut self, def: &RecordDef) {
        let start = self.note_head(note::DETAIL);
        self.detail(def);
        self.note_end(start);
    }

    const fn value(&mut self, cbor: &[u8]) {
        if cbor.is_empty() {
            self.byte(0xf6);
        } else {
            self.raw(cbor);
        }
    }

    /// A note's head, with a length that is written at its end, and where it begins.
    const fn note_head(&mut self, kind: u32) -> usize {
        let start = self.length;
        self.word(note::OWNER.len());
        self.word(0);
        self.word(kind as usize);
        self.raw(note::OWNER);
        self.pad();
        start
    }

    /// The end of the note that begins at `start`: its length, and what fills the last word.
    const fn note_end(&mut self, start: usize) {
        let end = self.length;
        self.length = start + 4;
        self.word(end - start - HEAD);
        self.length = end;
        self.pad();
    }

    /// A word, in the byte order of the target.
    #[expect(
        clippy::host_endian_bytes,
        clippy::cast_possible_truncation,
        reason = "a note's words have the file's byte order, which is the target's; lengths \
                  are at most MAX_DETAIL"
    )]
    const fn word(&mut self, value: usize) {
        self.raw(&(value as u32).to_ne_bytes());
    }

    const fn pad(&mut self) {
        while !self.length.is_multiple_of(4) {
            self.byte(0);
        }
    }
}

const fn summary_size(def: &RecordDef) -> usize {
    let mut counter = Writer::new(&mut []);
    counter.summary(def);
    counter.length
}

const fn detail_size(def: &RecordDef) -> usize {
    let mut counter = Writer::new(&mut []);
    counter.detail(def);
    counter.length
}

/// The size in bytes of a note whose descriptor has `length` bytes.
const fn note_size(length: usize) -> usize {
    HEAD + length.next_multiple_of(4)
}

/// The size in bytes of the summary's note: the `S` of [`notes`].
///
/// # Panics
/// When the summary is larger than [`note::MAX_SUMMARY`]: at compile time, in a constant.
#[must_use]
pub const fn summary_note_size(def: &RecordDef) -> usize {
    let length = summary_size(def);
    assert!(
        length <= note::MAX_SUMMARY,
        "the plugin's summary is larger than 2 KiB: declare fewer or shorter keys, or move \
         what is not a key into `metadata`"
    );
    note_size(length)
}

/// The size in bytes of the detail's note: the `D` of [`notes`].
///
/// # Panics
/// When the detail is larger than [`note::MAX_DETAIL`]: at compile time, in a constant.
#[must_use]
pub const fn detail_note_size(def: &RecordDef) -> usize {
    let length = detail_size(def);
    assert!(
        length <= note::MAX_DETAIL,
        "the plugin's detail is larger than 1 MiB: make its application metadata smaller"
    );
    note_size(length)
}

/// Both notes of a record.
///
/// # Panics
/// When `S` and `D` are not what [`summary_note_size`] and [`detail_note_size`] say.
#[must_use]
pub const fn notes<const S: usize, const D: usize>(def: &RecordDef) -> Notes<S, D> {
    let (mut summary, mut detail) = ([0; S], [0; D]);
    let mut writer = Writer::new(&mut summary);
    writer.summary_note(def);
    assert!(writer.length == S, "the summary's size");
    let mut writer = Writer::new(&mut detail);
    writer.detail_note(def);
    assert!(writer.length == D, "the detail's size");
    Notes { summary, detail }
}

/// The bytes of both notes of a record that is put together while a program runs: for a plugin
/// that is not written in Rust. Numbers stand in this machine's byte order.
///
/// # Errors
/// When a note is larger than [`note::MAX_SUMMARY`] or [`note::MAX_DETAIL`]: which one, its
/// size and its limit, in bytes.
pub fn note_bytes(def: &RecordDef) -> Result<Vec<u8>, (&'static str, usize, usize)> {
    let (summary, detail) = (summary_size(def), detail_size(def));
    for (what, size, limit) in [
        ("summary", summary, note::MAX_SUMMARY),
        ("detail", detail, note::MAX_DETAIL),
    ] {
        if size > limit {
            return Err((what, size, limit));
        }
    }
    let mut bytes = vec![0; note_size(summary) + note_size(detail)];
    let mut writer = Writer::new(&mut bytes);
    writer.summary_note(def);
    writer.detail_note(def);
    Ok(bytes)
}

/// The schema of an interface, as CBOR: what a record's detail has of it.
pub(crate) fn schema_bytes(interface: &InterfaceShape) -> Vec<u8> {
    let mut counter = Writer::new(&mut []);
    counter.schema(interface);
    let mut bytes = vec![0; counter.length];
    Writer::new(&mut bytes).schema(interface);
    bytes
}
