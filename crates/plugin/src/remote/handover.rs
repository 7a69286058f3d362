//! The objects that a message hands over, which stand in front of it: so that whoever gets it can let
//! go of them without knowing what else it says.

use std::cell::RefCell;
use std::sync::Arc;

use super::connection::{Link, come_home, raw};
use crate::abi::{KeepAlive, RawLink};
use crate::encoding::{Arena, Decoder, Encoder};
use crate::portable::Invalid;

/// An object that a message names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handed {
    /// Whether the object is one of this side, and not of the other.
    pub(crate) mine: bool,
    pub(crate) number: u64,
}

/// The references that a message hands over. Those that are still here in the end are given back
/// to whoever gave them, whichever side that is.
#[derive(Debug)]
pub(crate) struct Handover<'a> {
    link: &'a RawLink,
    places: RefCell<Vec<Option<Handed>>>,
}

impl<'a> Handover<'a> {
    /// Of a message that this side writes.
    pub(crate) fn new(link: &'a RawLink) -> Self {
        Self {
            link,
            places: RefCell::default(),
        }
    }

    /// Of a message that arrived, and its values, which stand behind it.
    ///
    /// # Errors
    /// When it does not begin with objects. Those before what is none are given back.
    pub(crate) fn arrived<'b>(
        link: &'a RawLink,
        message: &'b [u8],
    ) -> Result<(Self, &'b [u8]), Invalid> {
        let this = Self::new(link);
        let arena = Arena::default();
        let mut input = Decoder::new(message, &arena, None);
        for _ in 0..input.length()? {
            let mine = match input.array()? {
                [0] => false,
                [1] => true,
                _ => return Err(Invalid::new(&"an object of this side or the other")),
            };
            let number = input.count()?;
            this.add(Handed { mine, number });
        }
        let values = message.len() - input.left();
        Ok((this, &message[values..]))
    }

    /// The connection of the message.
    pub(crate) fn link(&self) -> &'a RawLink {
        self.link
    }

    /// Adds an object: its place.
    pub(crate) fn add(&self, handed: Handed) -> u64 {
        let mut places = self.places.borrow_mut();
        places.push(Some(handed));
        places.len() as u64 - 1
    }

    /// Takes the object at a place out, whose reference is the caller's from now on.
    ///
    /// # Errors
    /// When there is none, or somebody has it already.
    pub(crate) fn take(&self, place: u64) -> Result<Handed, Invalid> {
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        let mut places = self.places.borrow_mut();
        let handed = places.get_mut(place).and_then(Option::take);
        handed.ok_or(Invalid::new(
            &"an object that stands in front, and is taken once",
        ))
    }

    /// Writes what stands in front of the message that hands them over. They are the other
    /// side's now.
    pub(crate) fn write(&self, out: &mut Encoder<'_>) {
        let places = self.places.take();
        out.length(places.len());
        for handed in places.into_iter().flatten() {
            out.raw(&[u8::from(!handed.mine)]);
            out.count(handed.number);
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }
}

impl Drop for Handover<'_> {
    fn drop(&mut self) {
        for handed in self.places.take().into_iter().flatten() {
            if handed.mine {
                // One that is not there any more went with the connection.
                drop(come_home(self.link, handed.number));
            } else {
                // SAFETY: whoever lends the connection keeps it.
                unsafe { (self.link.release)(self.link.keep.context, handed.number) };
            }
        }
    }
}

/// Lets go of the objects that a message hands over, which nobody reads: for whoever owns a
/// connection, when a reply comes after its caller has stopped waiting, or a call names an object that
/// is not there. A call or the result of one, and not what it failed with, which hands nothing over.
///
/// # Errors
/// When the bytes do not begin as a message does. What they had named until there is let go of.
pub fn let_go(link: &Arc<dyn Link>, message: &[u8]) -> Result<(), Invalid> {
    let raw = raw(Arc::clone(link));
    // SAFETY: the reference was made just now.
    let keep = unsafe { KeepAlive::from_raw(raw.keep) };
    let handover = Handover::arrived(&raw, message).map(|(handover, _)| drop(handover));
    drop(keep);
    handover
}
