//! What `#[interface]` makes of a trait.

use plugwright_manifest::schema::InterfaceShape;
use plugwright_manifest::{Description, InterfaceVersion};

use crate::Handle;
use crate::abi::{ABI, InterfaceTable, VtableHead};
use crate::encoding::{Decoder, Encoder};
use crate::instance::Fault;
use crate::portable::Invalid;

/// The interface as a text, which is what `plugwright interface save` prints of one that a plugin
/// provides: for `plugwright interface c`, which makes of it what a plugin in C needs. This is how
/// to save one that no plugin provides, because it is a callback's.
///
/// ```
/// use plugwright_plugin::interface;
///
/// #[interface(id = "org.example.watcher", version = "1.0")]
/// pub trait Watcher: Send + Sync {
///     fn seen(&self, word: &str) -> bool;
/// }
///
/// let saved = plugwright_plugin::description::<dyn Watcher>();
/// assert!(saved.contains("fn seen(&self, word: &str) -> bool"));
/// ```
#[must_use]
pub fn description<T: ?Sized + Interface>() -> String {
    Description::new(ABI, T::SHAPE.into()).to_json()
}

/// A trait that plugins provide: implemented by `#[interface]` for `dyn Trait`.
///
/// # Safety
/// `Vtable` is `repr(C)`, begins with a [`VtableHead`] and then has
/// one function for each method of `SHAPE`, in order, with the Abi types of the shapes; those
/// of methods that were added in a later minor version are `Option`s. `TABLE` says the same
/// as `SHAPE`. `Calls` is `repr(transparent)` over [`RawHandle<Self::Vtable>`](crate::RawHandle).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a plugin interface",
    label = "not the `dyn` of a trait with #[interface]",
    note = "put #[plugwright_plugin::interface(id = \"…\", version = \"…\")] on the trait"
)]
pub unsafe trait Interface: 'static {
    /// The interface's id.
    const ID: &'static str;

    /// The interface's version.
    const VERSION: InterfaceVersion;

    /// The interface's id, version and methods.
    const SHAPE: &'static InterfaceShape;

    /// The same as it crosses.
    const TABLE: &'static InterfaceTable;

    /// For each interface that this one requires, whether its vtable fits, and which one does:
    /// they stand in front of the methods.
    const SUPERS: &'static [Fit];

    /// Whether objects may be used by any thread: `Self` is `Send` and `Sync`.
    const ANY_THREAD: bool = Self::SHAPE.bounds.any_thread();

    /// The table of functions that a plugin hands out.
    type Vtable: 'static;

    /// The methods that report failures of the call itself: a handle dereferences to it.
    type Calls: 'static;

    /// The handle that this object is, when it is one: it is passed on as it came.
    fn as_handle(&self) -> Option<&Handle<Self>>;

    /// The handle as an ordinary trait object.
    fn boxed(handle: Handle<Self>) -> Box<Self>;

    /// Calls the method of this number, with its arguments read from bytes, and writes its
    /// result.
    ///
    /// # Errors
    /// When there is no such method, the bytes are none of its arguments, or the call fails.
    ///
    /// # Safety
    /// The bytes that the input reads outlive the call.
    unsafe fn dispatch(
        calls: &mut Self::Calls,
        method: u32,
        input: &mut Decoder<'_>,
        out: &mut Encoder<'_>,
    ) -> Result<(), Fault>;
}

/// Makes a vtable that arrived one that this side can use.
///
/// # Safety
/// The vtable is null, or was made by the SDK or to its rules, and stays.
pub type Fit = unsafe fn(*const VtableHead) -> Result<*const VtableHead, Invalid>;

/// An interface whose objects are also objects of `S`: that itself, or one that requires `S`.
///
/// # Safety
/// What `vtable` gives is for the same objects.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say that its objects are also `{S}`",
    label = "name each interface that it requires, also those that one of these requires",
    note = "write `trait C: B + A` where `B` requires `A`"
)]
pub unsafe trait Upcast<S: ?Sized + Interface>: Interface {
    /// The vtable of `S`.
    fn vtable(own: &Self::Vtable) -> *const S::Vtable;

    /// The handle itself, where it is one for `S`.
    #[must_use]
    fn itself(_: &Handle<Self>) -> Option<&Handle<S>> {
        None
    }
}

/// An interface whose methods all take `&self`: an object of it may have several handles.
///
/// # Safety
/// `SHAPE` says so.
#[diagnostic::on_unimplemented(
    message = "objects of `{Self}` have one handle only",
    label = "a method of the trait takes `&mut self` or `self: Box<Self>`",
    note = "what is shared is called with `&self`: give the object a lock inside, or hand it out \
            as Box<dyn Trait>"
)]
pub unsafe trait Shareable: Interface {}

/// The vtable of an interface for a type that implements the trait.
///
/// # Safety
/// `VTABLE`'s functions take an object that [`create`](crate::__private::create) made for
/// `T`, and its head is that of [`vtable_head::<T>`](crate::__private::vtable_head).
#[diagnostic::on_unimplemented(
    message = "`{T}` does not implement the trait behind `{Self}`",
    label = "listed in `provides(…)`, but the trait is not implemented"
)]
pub unsafe trait Provides<T>: Interface {
    /// The functions.
    const VTABLE: &'static Self::Vtable;
}
