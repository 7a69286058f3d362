//! Objects of interfaces as arguments and results: callbacks, products, services.
//!
//! What is given away is wrapped in an object of the giver's image, with the vtable that
//! the interface has for the wrapper; the receiver gets a [`Handle`] for it, which keeps
//! the giver's library. An object that comes home is unwrapped instead.

use std::sync::Arc;

use plugwright_manifest::schema::Shape;

use crate::abi::{KeepAlive, RawInterface};
use crate::instance;
use crate::interface::{Interface, Provides};
use crate::portable::{Invalid, Portable};
use crate::{Handle, own};

/// What a box that is given away becomes: its receiver may send it on when `I` may be sent.
#[derive(Debug)]
pub struct OwnedBox<I: ?Sized>(pub Box<I>);

/// What a shared object that is given away becomes.
#[derive(Debug)]
pub struct OwnedArc<I: ?Sized>(pub Arc<I>);

impl<I: ?Sized> Clone for OwnedArc<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What was received as an `Arc`.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the macros' output matches it whole"
)]
pub enum Received<I: ?Sized + Interface> {
    /// An object of this image that came home.
    Home(Arc<I>),
    /// Somebody else's object.
    Foreign(Handle<I>),
}

/// Gives a box away.
#[must_use]
pub fn give_box<I: ?Sized + Interface + Provides<OwnedBox<I>>>(object: Box<I>) -> RawInterface {
    RawInterface {
        object: instance::object::<OwnedBox<I>, I>(own::plugin(), OwnedBox(object)),
        keep: own::keep().into_raw(),
    }
}

/// Gives a shared object away.
#[must_use]
pub fn give_arc<I: ?Sized + Interface + Provides<OwnedArc<I>>>(object: Arc<I>) -> RawInterface {
    RawInterface {
        object: instance::object::<OwnedArc<I>, I>(own::plugin(), OwnedArc(object)),
        keep: own::keep().into_raw(),
    }
}

/// Gives away another reference to somebody else's object, as it came: wherever it goes, it
/// is not wrapped twice, and at home it is itself again.
#[must_use]
pub fn pass_on<I: ?Sized + Interface>(handle: &Handle<I>) -> RawInterface {
    handle.to_raw()
}

/// Takes an object over.
///
/// # Errors
/// When it is not of an interface that fits `I`.
///
/// # Safety
/// `raw` came from [`give_box`], [`give_arc`] or [`pass_on`], on either side, and is used once.
pub unsafe fn receive<I: ?Sized + Interface>(raw: RawInterface) -> Result<Handle<I>, Invalid> {
    // SAFETY: by this function's contract.
    let keep = unsafe { KeepAlive::from_raw(raw.keep) };
    // SAFETY: as above; a null is refused.
    unsafe { Handle::<I>::new(raw.object, keep) }
}

/// Takes a shared object over, out of its wrapping when it is this image's own.
///
/// # Errors
/// As [`receive`].
///
/// # Safety
/// As [`receive`].
pub unsafe fn receive_arc<I: ?Sized + Interface>(
    raw: RawInterface,
) -> Result<Received<I>, Invalid> {
    // SAFETY: by this function's contract.
    let handle = unsafe { receive::<I>(raw) }?;
    // SAFETY: the handle has just been made of it, so it is an object and referenced.
    let home = unsafe { instance::value_at_home::<OwnedArc<I>>(raw.object) };
    Ok(match home {
        Some(OwnedArc(object)) => Received::Home(object),
        None => Received::Foreign(handle),
    })
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
            #[derive(plugwright_plugin::Portable)]"
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
}

/// What can cross in an `Arc`: objects of interfaces.
///
/// # Safety
/// As [`Portable`], for `Arc<Self>`.
#[diagnostic::on_unimplemented(
    message = "`Arc<{Self}>` cannot cross the plugin boundary",
    label = "what is in this Arc cannot be shared across the boundary",
    note = "an Arc<dyn Trait> crosses when the trait has #[interface] and requires both Send and \
            Sync, or neither: give an object that may only be sent as Box<dyn Trait>",
    note = "values cross as themselves: they are copied, not shared"
)]
pub unsafe trait Shared {
    /// What crosses, for fingerprints and schemas.
    const SHAPE: &'static Shape;

    /// Gives a reference away.
    fn into_abi(this: Arc<Self>) -> RawInterface;

    /// Takes a reference over.
    ///
    /// # Errors
    /// As [`Portable::from_abi`].
    ///
    /// # Safety
    /// As [`Portable::from_abi`].
    unsafe fn from_abi(abi: RawInterface) -> Result<Arc<Self>, Invalid>;
}

// SAFETY: as `Shared` says.
unsafe impl<T: ?Sized + Shared> Portable for Arc<T> {
    type Abi = RawInterface;

    const SHAPE: &'static Shape = T::SHAPE;

    fn into_abi(self) -> RawInterface {
        T::into_abi(self)
    }

    unsafe fn from_abi(abi: RawInterface) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract.
        unsafe { T::from_abi(abi) }
    }
}
