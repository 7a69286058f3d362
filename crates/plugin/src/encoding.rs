//! Values as bytes: what a call becomes when its two sides share no memory.
//!
//! Both sides have compared the fingerprints of the method, so its types are known and the
//! bytes say nothing about them: numbers stand in their own size, the lowest byte first;
//! tags are one byte, those of derived enums and all lengths are LEB128; parts follow each
//! other without padding. (CBOR would tag every element of a `Vec<f64>` and copy it one by
//! one; here slices of numbers are copied whole. What is read by people and by other
//! versions, the manifest, is CBOR.)
//!
//! The invariants: every value takes at least one byte, so no length is believed that the
//! bytes behind it cannot hold; what was lent for writing comes back behind the result; the objects
//! that cross a connection stand in front, so that none is lost with what cannot be read.

use std::any::Any;
use std::cell::RefCell;

use crate::abi::{RawInterface, RawLink, RawObject};
use crate::interface::{Interface, Provides};
use crate::own;
use crate::portable::Invalid;
use crate::remote::{self, Handed, Handover, KeptLink, Object, Proxy};

const ENDED: Invalid = Invalid::new(&"more bytes");
const VALUES_ONLY: Invalid = Invalid::new(&"no object: only values can cross here");

/// Elements that were lent for writing: the callee's side writes them behind the result, the
/// caller's side reads them from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    pub(crate) elements: *mut u8,
    pub(crate) length: usize,
    /// Takes `length` elements; safe to call while they are lent.
    pub(crate) write: unsafe fn(*const u8, usize, &mut Encoder<'_>),
    /// As `write`.
    pub(crate) read: unsafe fn(*mut u8, usize, &mut Decoder<'_>) -> Result<(), Invalid>,
}

/// Writes values one after the other.
#[derive(Debug)]
pub struct Encoder<'a> {
    bytes: Vec<u8>,
    /// The objects that cross a connection, where there is one.
    handover: Option<Handover<'a>>,
    /// The object that is being called, when what borrows it can be kept with it.
    called: Option<RawObject>,
    /// What was lent for writing, and comes back with the reply.
    lent: Vec<Lent>,
    /// The first value that cannot cross as bytes here.
    refused: Option<Invalid>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(link: Option<&'a RawLink>) -> Self {
        Self {
            // Where no object is handed over, that stands in front already.
            bytes: if link.is_some() { vec![0] } else { Vec::new() },
            handover: link.map(Handover::new),
            called: None,
            lent: Vec::new(),
            refused: None,
        }
    }

    /// For the result of a method of an object, which what borrows it is kept with. An object that
    /// has one handle is none: what borrows it cannot be kept while others may call it.
    ///
    /// # Safety
    /// The object is kept while this is used, and the vtable is for it.
    pub(crate) unsafe fn of_call(link: Option<&'a RawLink>, called: Option<RawObject>) -> Self {
        Self {
            called,
            ..Self::new(link)
        }
    }

    /// The object that is being called and the connection, to keep for what goes on after the
    /// call.
    pub(crate) fn keeping(&self) -> Option<(Object, KeptLink)> {
        let (called, handover) = self.called.zip(self.handover.as_ref())?;
        // SAFETY: the vtable is kept meanwhile, with the object (`of_call`).
        unsafe { called.retain() };
        let called = RawInterface {
            object: called,
            keep: own::keep().into_raw(),
        };
        // SAFETY: the reference was made just now.
        let called = unsafe { Object::from_raw(called) };
        // SAFETY: whoever lends the connection keeps it.
        Some((called, unsafe { KeptLink::retained(handover.link()) }))
    }

    /// Writes bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a length or the number of a variant.
    pub fn count(&mut self, mut count: u64) {
        loop {
            let low = count.to_le_bytes()[0] & 0x7f;
            count >>= 7;
            if count == 0 {
                self.bytes.push(low);
                return;
            }
            self.bytes.push(low | 0x80);
        }
    }

    /// Writes a length.
    pub(crate) fn length(&mut self, length: usize) {
        self.count(length as u64);
    }

    /// Writes a value of an enum that grows: its variant's fingerprint, then its fields behind
    /// their length, so that who does not know the variant can pass them over.
    pub fn variant(&mut self, fingerprint: u64, fields: impl FnOnce(&mut Self)) {
        self.raw(&fingerprint.to_le_bytes());
        let start = self.bytes.len();
        fields(self);
        let fields = self.bytes.split_off(start);
        self.length(fields.len());
        self.raw(&fields);
    }

    /// Remembers memory that the other side writes: the reply brings it.
    pub(crate) fn lend(&mut self, lent: Lent) {
        self.lent.push(lent);
    }

    /// Writes what only a side that shares memory can have.
    pub(crate) fn refuse(&mut self, refused: Invalid) {
        self.refused.get_or_insert(refused);
    }

    /// Writes an object of interface `I`, which is given away.
    pub fn object<I: ?Sized + Interface>(&mut self, object: RawInterface) {
        match &self.handover {
            Some(handover) if I::ANY_THREAD => {
                let mut has = Self::new(None);
                // SAFETY: it is still the caller's object, whose vtable fits `I`.
                unsafe { remote::describe(object.object.vtable, I::SUPERS.len(), &mut has) };
                // SAFETY: the caller gave the object away.
                let handed = unsafe { remote::give::<I>(handover.link(), object) };
                let place = handover.add(handed);
                self.count(place);
                if handed.mine {
                    self.raw(&has.bytes);
                }
            }
            handover => {
                // SAFETY: the caller gave the object away; it is dropped, since it goes nowhere.
                drop(unsafe { Object::from_raw(object) });
                let refused = if handover.is_some() {
                    const { Invalid::new(&"an object of a trait that requires Send and Sync") }
                } else {
                    VALUES_ONLY
                };
                self.refuse(refused);
            }
        }
    }

    /// The bytes, and what is to be filled from the reply.
    ///
    /// # Errors
    /// The first value that cannot cross. Nothing is handed over then.
    pub(crate) fn finish(self) -> Result<(Vec<u8>, Vec<Lent>), Invalid> {
        if let Some(invalid) = self.refused {
            return Err(invalid);
        }
        let bytes = match self.handover.filter(|handover| !handover.is_empty()) {
            None => self.bytes,
            Some(handover) => {
                let mut out = Self::new(None);
                handover.write(&mut out);
                out.raw(&self.bytes[1..]);
                out.bytes
            }
        };
        Ok((bytes, self.lent))
    }
}

/// Holds what a decoded value borrows and the bytes themselves could not be.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    kept: RefCell<Vec<Box<dyn Any>>>,
    /// What was lent for writing: it goes back behind the result.
    lent: RefCell<Vec<Lent>>,
}

impl Arena {
    /// Writes what was lent for writing behind the result.
    pub(crate) fn give_back(&self, out: &mut Encoder<'_>) {
        for lent in &*self.lent.borrow() {
            // SAFETY: so many elements of this arena, whose borrower's call has ended.
            unsafe { (lent.write)(lent.elements, lent.length, out) };
        }
    }
}

/// Reads values one after the other, from bytes that may say anything.
#[derive(Debug)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    arena: &'a Arena,
    /// The objects that came over a connection, where there is one.
    handover: Option<&'a Handover<'a>>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(
        bytes: &'a [u8],
        arena: &'a Arena,
        handover: Option<&'a Handover<'a>>,
    ) -> Self {
        Self {
            rest: bytes,
            arena,
            handover,
        }
    }

    /// How many bytes were not read.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Reads so many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Invalid> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ENDED)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Reads a number's bytes.
    ///
    /// # Errors
    /// When there are fewer.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Invalid> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ENDED)?;
        self.rest = rest;
        Ok(*taken)
    }

    /// Reads a length or the number of a variant.
    ///
    /// # Errors
    /// When it is no number of 64 bits.
    pub fn count(&mut self) -> Result<u64, Invalid> {
        let mut count = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let low = u64::from(byte & 0x7f);
            if (low << shift) >> shift != low {
                break;
            }
            count |= low << shift;
            if byte < 0x80 {
                return Ok(count);
            }
        }
        Err(Invalid::new(&"a length of at most 64 bits"))
    }

    /// Reads which variant of an enum that grows follows, and the bytes of its fields.
    ///
    /// # Errors
    /// When so many bytes do not follow.
    pub fn variant(&mut self) -> Result<(u64, Self), Invalid> {
        let fingerprint = u64::from_le_bytes(self.array()?);
        let length = self.length()?;
        let fields = self.raw(length)?;
        Ok((fingerprint, Self::new(fields, self.arena, self.handover)))
    }

    /// Holds the fields of a variant to their length.
    ///
    /// # Errors
    /// When more bytes follow.
    pub fn ended<T>(&self, value: T) -> Result<T, Invalid> {
        if self.rest.is_empty() {
            Ok(value)
        } else {
            Err(Invalid::new(&"a variant with the length of its fields"))
        }
    }

    /// Reads the number of elements that follow, each of which takes a byte at least.
    ///
    /// # Errors
    /// When so many cannot follow.
    pub(crate) fn length(&mut self) -> Result<usize, Invalid> {
        let count = self.count()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len())
            .ok_or(ENDED)
    }

    /// Keeps the elements where they are until the call ends.
    pub(crate) fn place<T: 'static>(&mut self, mut elements: Vec<T>) -> *mut T {
        let pointer = elements.as_mut_ptr();
        self.arena.kept.borrow_mut().push(Box::new(elements));
        pointer
    }

    /// Has the elements go back behind the result.
    pub(crate) fn lend(&mut self, lent: Lent) {
        self.arena.lent.borrow_mut().push(lent);
    }

    /// Fills what was lent for writing from behind a result.
    ///
    /// # Safety
    /// Each place is still lent to the call whose reply this is.
    pub(crate) unsafe fn fill(&mut self, places: &[Lent]) -> Result<(), Invalid> {
        for lent in places {
            // SAFETY: by this function's contract.
            unsafe { (lent.read)(lent.elements, lent.length, self) }?;
        }
        Ok(())
    }

    /// The connection, with a reference to it.
    ///
    /// # Errors
    /// When only values can cross.
    pub(crate) fn link(&self) -> Result<KeptLink, Invalid> {
        let handover = self.handover.ok_or(VALUES_ONLY)?;
        // SAFETY: whoever lends the connection keeps it.
        Ok(unsafe { KeptLink::retained(handover.link()) })
    }

    /// Reads an object of interface `I`: one of this side that came home, or a proxy for one
    /// of the other side.
    ///
    /// # Errors
    /// When the bytes are none, or the connection knows no such object.
    pub fn object<I: ?Sized + Interface + Provides<Proxy>>(
        &mut self,
    ) -> Result<RawInterface, Invalid> {
        let place = self.count()?;
        let handover = self.handover.ok_or(VALUES_ONLY)?;
        let Handed { mine, number } = handover.take(place)?;
        let link = handover.link();
        if !mine {
            return remote::arrived::<I>(link, number, self);
        }
        let object = remote::come_home(link, number)?;
        if I::SHAPE.is_exclusive() {
            return Err(Invalid::new(
                &"an object that has one handle to be called from where it is",
            ));
        }
        Ok(object.into_raw())
    }
}
