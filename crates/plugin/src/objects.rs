//! Objects of interfaces as arguments and results: callbacks, products, services.
//!
//! What is given away is wrapped in an object of the giver's image, with the vtable that
//! the interface has for the wrapper; the receiver gets a [`Handle`] for it, which keeps
//! the giver's library. An object that comes home is unwrapped instead.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use plugwright_manifest::schema::{Holder, Shape};

use crate::abi::{KeepAlive, RawInterface};
use crate::encoding::{Decoder, Encoder};
use crate::interface::{Interface, Provides, Shareable};
use crate::portable::{Invalid, Portable, keep};
use crate::remote::Proxy;
use crate::{Handle, instance, own};

/// What a pointer to an object becomes when it is given away: it has the methods of what it
/// points to, and its receiver may send and share it as it may the pointer.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the macros' output looks inside")]
pub struct Owned<P>(pub P);

/// Gives a box away; a handle as it came, so that wherever it goes it is not wrapped twice,
/// and at home it is itself again.
#[must_use]
pub fn give_box<I>(object: Box<I>) -> RawInterface
where
    I: ?Sized + Interface + Provides<Owned<Box<I>>>,
{
    match object.as_handle() {
        Some(handle) => handle.to_raw(),
        None => wrapped::<_, I>(Owned(object)),
    }
}

fn wrapped<T: 'static, I: ?Sized + Interface + Provides<T>>(object: T) -> RawInterface {
    RawInterface {
        object: instance::object::<T, I>(own::plugin(), object),
        keep: own::keep().into_raw(),
    }
}

/// Takes an object over.
///
/// # Errors
/// When it is not of an interface that fits `I`.
///
/// # Safety
/// `raw` came from [`give_box`] or from an `Arc`, on either side, and is used once.
pub unsafe fn receive_box<I: ?Sized + Interface>(raw: RawInterface) -> Result<Box<I>, Invalid> {
    // SAFETY: by this function's contract.
    unsafe { receive::<I>(raw) }.map(I::boxed)
}

/// # Safety
/// As [`receive_box`].
pub(crate) unsafe fn receive<I: ?Sized + Interface>(
    raw: RawInterface,
) -> Result<Handle<I>, Invalid> {
    // SAFETY: by this function's contract.
    let keep = unsafe { KeepAlive::received(raw.keep) }?;
    // SAFETY: as above; a null is refused.
    unsafe { Handle::<I>::new(raw.object, keep) }
}

/// What can cross in a `Box`: values that are `Portable`, and objects of interfaces.
///
/// # Safety
/// As [`Portable`], for `Box<Self>`.
#[diagnostic::on_unimplemented(
    message = "`Box<{Self}>` cannot cross the plugin boundary",
    label = "what is in this box does not cross",
    note = "a Box<dyn Trait> crosses when the trait has #[plugwright_plugin::interface]",
    note = "a Box<T> crosses when T does: your own structs and enums with \
            #[derive(plugwright_plugin::Portable)]; Box<str> and Box<[T]> as String and Vec<T>"
)]
pub unsafe trait Boxed {
    /// What crosses.
    type Abi: Copy;

    /// What crosses, for fingerprints and schemas.
    const SHAPE: &'static Shape;

    /// Gives the box away.
    fn into_abi(this: Box<Self>) -> Self::Abi;

    /// Takes a box over.
    ///
    /// # Errors
    /// As [`Portable::from_abi`].
    ///
    /// # Safety
    /// As [`Portable::from_abi`].
    unsafe fn from_abi(abi: Self::Abi) -> Result<Box<Self>, Invalid>;

    /// As [`Portable::encode`].
    fn encode(this: Box<Self>, out: &mut Encoder<'_>);

    /// As [`Portable::decode`].
    ///
    /// # Errors
    /// As [`Portable::decode`].
    ///
    /// # Safety
    /// As [`Portable::decode`].
    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Box<Self>, Invalid>;
}

// SAFETY: crosses as what is in it; the box is made anew on the other side.
#[diagnostic::do_not_recommend]
unsafe impl<T: Portable> Boxed for T {
    type Abi = T::Abi;

    const SHAPE: &'static Shape = T::SHAPE;

    #[inline]
    fn into_abi(this: Box<Self>) -> T::Abi {
        Portable::into_abi(*this)
    }

    #[inline]
    unsafe fn from_abi(abi: T::Abi) -> Result<Box<Self>, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <T as Portable>::from_abi(abi) }.map(Box::new)
    }

    fn encode(this: Box<Self>, out: &mut Encoder<'_>) {
        Portable::encode(*this, out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Box<Self>, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { <T as Portable>::decode(input) }.map(Box::new)
    }
}

// SAFETY: as `Boxed` says.
unsafe impl<T: ?Sized + Boxed> Portable for Box<T> {
    type Abi = T::Abi;

    const SHAPE: &'static Shape = T::SHAPE;

    #[inline]
    fn into_abi(self) -> T::Abi {
        T::into_abi(self)
    }

    #[inline]
    unsafe fn from_abi(abi: T::Abi) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { T::from_abi(abi) }
    }

    fn encode(self, out: &mut Encoder<'_>) {
        T::encode(self, out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { T::decode(input) }
    }
}

/// An object of somebody else, which is called during the call that it was lent for. It is not
/// the handle that it has inside: that would be cloned, and kept.
#[derive(Debug)]
pub struct Borrowed<I: ?Sized + Interface>(Handle<I>);

impl<I: ?Sized + Interface> Deref for Borrowed<I> {
    type Target = Handle<I>;

    fn deref(&self) -> &Handle<I> {
        &self.0
    }
}

/// One's own object, for as long as it is lent.
#[derive(Debug)]
pub struct LentObject<I: ?Sized>(NonNull<I>);

// SAFETY: it gives `&I` only, and only to who got a `&I` for it: that is sent to another thread
// where `I` is Sync, and never where it is not.
unsafe impl<I: ?Sized + Send> Send for LentObject<I> {}
// SAFETY: as for Send.
unsafe impl<I: ?Sized + Sync> Sync for LentObject<I> {}

impl<I: ?Sized> Deref for LentObject<I> {
    type Target = I;

    fn deref(&self) -> &I {
        // SAFETY: lent for the call in which this is used (`lend_object`).
        unsafe { self.0.as_ref() }
    }
}

/// Lends an object for a call.
///
/// # Safety
/// The object outlives the call that is being made.
pub unsafe fn lend_object<I>(object: NonNull<I>, handle: Option<&Handle<I>>) -> RawInterface
where
    I: ?Sized + Interface + Provides<Owned<LentObject<I>>>,
{
    match handle {
        Some(handle) => handle.to_raw(),
        None => wrapped::<_, I>(Owned(LentObject(object))),
    }
}

/// Borrows an object until the call ends.
///
/// # Errors
/// When it is not of an interface that fits `I`.
///
/// # Safety
/// `raw` came from [`lend_object`], on either side, and is used once; the result is used
/// during the call only.
pub unsafe fn borrow_object<'a, I: ?Sized + Interface>(
    raw: RawInterface,
) -> Result<&'a Owned<Borrowed<I>>, Invalid> {
    // SAFETY: by this function's contract.
    let handle = unsafe { receive::<I>(raw) }?;
    // SAFETY: by this function's contract.
    Ok(unsafe { keep(Owned(Borrowed(handle))) })
}

/// What a lent object is instead of bytes: nothing. Its lender could not see the end of it.
pub fn refuse_lent(out: &mut Encoder<'_>) {
    out.refuse(LENT);
}

/// What is told when bytes are to be a lent object.
pub const LENT: Invalid = Invalid::new(&"no lent object: those cross within a process only");

/// What can cross in an `Arc`: objects of interfaces.
///
/// # Safety
/// `dyn Trait` is both `Send` and `Sync`, or neither: the giver keeps a part of what its
/// receiver may send away.
#[diagnostic::on_unimplemented(
    message = "`Arc<{Self}>` cannot cross the plugin boundary",
    label = "what is in this Arc cannot be shared across the boundary",
    note = "an Arc<dyn Trait> crosses when the trait has #[interface], requires both Send and \
            Sync, or neither, and all its methods take `&self`: give any other object as \
            Box<dyn Trait>",
    note = "values cross as themselves, copied and not shared: give a T for an Arc<T>, and a String for \
            an Arc<str>"
)]
pub unsafe trait Shared: Shareable + Provides<Owned<Arc<Self>>> + Provides<Proxy> {}

// SAFETY: an object crosses as itself, with its vtable and what keeps it.
unsafe impl<T: ?Sized + Shared> Portable for Arc<T> {
    type Abi = RawInterface;

    const SHAPE: &'static Shape = &Shape::Interface(Holder::Arc, T::ID, T::VERSION.major);

    fn into_abi(self) -> RawInterface {
        match self.as_handle() {
            Some(handle) => handle.to_raw(),
            None => wrapped::<_, T>(Owned(self)),
        }
    }

    unsafe fn from_abi(abi: RawInterface) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        let handle = unsafe { receive::<T>(abi) }?;
        // SAFETY: the handle has just been made of it, so it is an object and referenced.
        let home =
            unsafe { instance::at_home(abi.object, |Owned(home): &Owned<Self>| home.clone()) };
        Ok(match home {
            Some(object) => object,
            None => Self::from(T::boxed(handle)),
        })
    }

    fn encode(self, out: &mut Encoder<'_>) {
        out.object::<T>(self.into_abi());
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        let object = input.object::<T>()?;
        // SAFETY: read just now, and owned.
        unsafe { <Self as Portable>::from_abi(object) }
    }
}
