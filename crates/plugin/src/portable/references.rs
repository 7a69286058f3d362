//! `&T`: what is lent for a call.
//!
//! Text and slices of numbers are lent where they are. Everything else is converted: the
//! lender gives a clone away, and the borrower keeps the value that it makes of it until the
//! call ends. The invariant of [`Kept`]: what is kept lies on a list of its own thread, and
//! goes with the innermost call that was begun before it was put there.

use std::cell::Cell;
use std::ptr::NonNull;

use plugwright_manifest::schema::Shape;

use super::{Invalid, Portable};
use crate::encoding::{Decoder, Encoder};

/// What can be lent by reference.
///
/// # Safety
/// As [`Portable`], for `&Self`.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot cross the plugin boundary",
    label = "this cannot be lent",
    note = "these are lent: text, slices, and values that cross and are Clone: your own structs \
            and enums with #[derive(Clone, plugwright_plugin::Portable)]",
    note = "a `&dyn Trait` is lent when the trait has #[interface] and all its methods take `&self`"
)]
pub unsafe trait Lend {
    /// What crosses.
    type Abi: Copy;

    /// What crosses, for fingerprints and schemas.
    const SHAPE: &'static Shape;

    /// Lends the value for the call that is being made.
    fn lend(&self) -> Self::Abi;

    /// Borrows the value until the call ends that it came with.
    ///
    /// # Errors
    /// As [`Portable::from_abi`].
    ///
    /// # Safety
    /// As [`Portable::from_abi`].
    unsafe fn borrow<'a>(abi: Self::Abi) -> Result<&'a Self, Invalid>
    where
        Self: 'a;

    /// As [`Portable::encode`].
    fn write(&self, out: &mut Encoder<'_>);

    /// As [`Portable::decode`].
    ///
    /// # Errors
    /// As [`Portable::decode`].
    ///
    /// # Safety
    /// As [`Portable::decode`].
    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid>
    where
        Self: 'a;
}

// SAFETY: as `Lend` says.
unsafe impl<T: ?Sized + Lend> Portable for &T {
    type Abi = T::Abi;

    const SHAPE: &'static Shape = T::SHAPE;

    #[inline]
    fn into_abi(self) -> T::Abi {
        self.lend()
    }

    #[inline]
    unsafe fn from_abi(abi: T::Abi) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { T::borrow(abi) }
    }

    #[inline]
    fn encode(self, out: &mut Encoder<'_>) {
        self.write(out);
    }

    #[inline]
    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { T::read(input) }
    }
}

// SAFETY: a clone crosses as the value itself does.
#[diagnostic::do_not_recommend]
unsafe impl<T: Portable + Clone> Lend for T {
    type Abi = T::Abi;

    const SHAPE: &'static Shape = &Shape::Ref(T::SHAPE);

    fn lend(&self) -> T::Abi {
        self.clone().into_abi()
    }

    unsafe fn borrow<'a>(abi: T::Abi) -> Result<&'a Self, Invalid>
    where
        T: 'a,
    {
        // SAFETY: by this function's contract.
        let value = unsafe { T::from_abi(abi) }?;
        // SAFETY: by this function's contract the value is used during the call only.
        Ok(unsafe { keep(value) })
    }

    fn write(&self, out: &mut Encoder<'_>) {
        self.clone().encode(out);
    }

    unsafe fn read<'a>(input: &mut Decoder<'_>) -> Result<&'a Self, Invalid>
    where
        T: 'a,
    {
        // SAFETY: by this function's contract.
        let value = unsafe { T::decode(input) }?;
        // SAFETY: as above: a call by number is a call.
        Ok(unsafe { keep(value) })
    }
}

/// A kept value, and what is needed to let go of it.
#[repr(C)]
struct Node<T> {
    link: Link,
    value: T,
}

struct Link {
    before: Option<NonNull<Self>>,
    drop: unsafe fn(NonNull<Self>),
}

thread_local! {
    // It has no destructor, so nothing of a library is registered with a thread.
    static LATEST: Cell<Option<NonNull<Link>>> = const { Cell::new(None) };
}

/// Keeps a value until the call ends for which it is converted.
///
/// # Safety
/// The result is not used any more when the innermost [`Kept`] of this thread is dropped; there
/// is one.
pub(crate) unsafe fn keep<'a, T: 'a>(value: T) -> &'a T {
    unsafe fn drop<T>(link: NonNull<Link>) {
        // SAFETY: the link is the front of the box that was made below, and goes once.
        std::mem::drop(unsafe { Box::from_raw(link.cast::<Node<T>>().as_ptr()) });
    }
    let node = Box::new(Node {
        link: Link {
            before: LATEST.get(),
            drop: drop::<T>,
        },
        value,
    });
    let node = NonNull::from(Box::leak(node));
    LATEST.set(Some(node.cast()));
    // SAFETY: a new box, which by this function's contract outlives the result.
    unsafe { &(*node.as_ptr()).value }
}

/// The span of a call: what is kept after this was made goes when this does.
#[derive(Debug)]
pub struct Kept(Option<NonNull<Link>>);

impl Kept {
    /// Begins a call for which values are converted, if so: nearly all do without.
    #[inline]
    #[must_use]
    pub fn when(converted: bool) -> Option<Self> {
        converted.then(|| Self(LATEST.get()))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        while let Some(link) = LATEST.get().filter(|link| Some(*link) != self.0) {
            // SAFETY: links live until they are let go of here, the latest first.
            let Link { before, drop } = unsafe { link.as_ref() };
            LATEST.set(*before);
            // SAFETY: it is not on the list any more, and by the contract of `keep` nobody
            // uses its value.
            unsafe { drop(link) };
        }
    }
}
