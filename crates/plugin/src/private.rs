//! What the macros' output names. Nothing here is for people.

#[path = "private/constants.rs"]
pub mod constants;

use std::marker::PhantomData;

// By these names, whatever an author's module calls so.
pub use std::boxed::Box;
pub use std::option::Option::{self, None, Some};
pub use std::result::Result::{self, Err, Ok};

pub use plugwright_manifest::InterfaceVersion;
pub use plugwright_manifest::embed::{
    BuildDef, Linkage, Notes, ProvidedDef, RecordDef, detail_note_size, notes, summary_note_size,
};
pub use plugwright_manifest::schema::{
    Bounds, FieldShape, Holder, InterfaceShape, MethodShape, Receiver, Shape, VariantShape,
};

pub use crate::CallError;
pub use crate::abi::{
    ABI, CreateArguments, HostTable, InterfaceTable, PluginTable, ProvidedTable, RawInterface,
    RawObject, RawOpen, RawSlice, Reply, VtableHead,
};
pub use crate::encoding::{Decoder, Encoder};
pub use crate::future::Tried;
pub use crate::future::{Crossing, of_object};
pub use crate::handle::Handle;
pub use crate::handle::RawHandle;
pub use crate::instance::{
    Exclusive, Fault, Object, call, create, enter, start, stop, surviving, vtable, vtable_head,
};
pub use crate::interface::{Fit, Interface, Provides, Shareable, Upcast};
pub use crate::life::{Choose, Life, Simple};
pub use crate::linked::{Linkable, LinkedPlugin};
pub use crate::objects::{
    Borrowed, Boxed, LENT, LentObject, Owned, Shared, borrow_object, give_box, lend_object,
    receive_box, refuse_lent,
};
pub use crate::portable::{Encoded, Fields, Invalid, Kept, Lend, Portable};
pub use crate::remote::{Message, Proxy};
pub use crate::vtable::fit_super;

/// How this copy of the SDK, and so the plugin around it, is built.
pub const BUILD: BuildDef = BuildDef {
    abi: ABI,
    target: env!("PLUGWRIGHT_TARGET"),
    profile: env!("PLUGWRIGHT_PROFILE"),
    rustc: env!("PLUGWRIGHT_RUSTC"),
    panic_abort: false,
    unloadable: false,
};

/// Turns a failure of a call into the result type `R` of its method.
///
/// Two traits offer `lift`: for a `Result` whose error can be made from a [`CallError`],
/// and, one reference further, for everything else. Method lookup takes the nearer one
/// that applies, so the choice is made by the compiler, for each method.
#[derive(Debug)]
pub struct Lift<R>(PhantomData<R>);

impl<R> Lift<R> {
    /// For the result type `R`.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The failure becomes the method's own error.
pub trait LiftAsError<R> {
    /// Turns the failure into a result.
    fn lift(&self, error: CallError) -> R;
}

impl<T, E: From<CallError>> LiftAsError<Result<T, E>> for Lift<Result<T, E>> {
    fn lift(&self, error: CallError) -> Result<T, E> {
        Err(error.into())
    }
}

/// The failure becomes a panic on the host's side, with the [`CallError`] as its payload.
pub trait LiftAsPanic<R> {
    /// Panics with the failure.
    fn lift(&self, error: CallError) -> R;
}

impl<R> LiftAsPanic<R> for &Lift<R> {
    #[track_caller]
    fn lift(&self, error: CallError) -> R {
        std::panic::panic_any(error)
    }
}

/// Whether `dyn Trait` is `Send` and `Sync`: the constant of that name that is nearer wins.
#[derive(Debug)]
pub struct Threads<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized + Send> Threads<T> {
    /// It is.
    pub const SEND: bool = true;
}

impl<T: ?Sized + Sync> Threads<T> {
    /// It is.
    pub const SYNC: bool = true;
}

/// For every other type.
pub trait OneThread {
    /// It is not.
    const SEND: bool = false;
    /// It is not.
    const SYNC: bool = false;
}

impl<T: ?Sized> OneThread for Threads<T> {}

/// The result of a method that was called by its number, as bytes.
///
/// # Errors
/// When the call failed.
pub fn reply<R: Portable>(
    result: Result<R, CallError>,
    out: &mut Encoder<'_>,
) -> Result<(), Fault> {
    result?.encode(out);
    Ok(())
}

/// What a call by number of no known method gives.
#[must_use]
pub fn no_such_method(method: u32) -> Fault {
    CallError::unsupported(&format!("method {method}")).into()
}

/// The shape of a type that is written without a lifetime.
///
/// # Panics
/// At compile time, when it borrows: then the lifetime is `'static` or is left out, and a loan that
/// ends with its call must not be taken for one that never ends.
#[must_use]
pub const fn owned(shape: &'static Shape) -> &'static Shape {
    assert!(
        shape.is_owned(),
        "a type borrows, and is written without a lifetime: what crosses is lent for a call, and \
         not for ever. Write the lifetime, as in `Name<'_>`, or have a type that owns what it has"
    );
    shape
}

/// A part of a type, of which only some cross by themselves: the constant of that name that is
/// nearer wins.
#[derive(Debug)]
pub struct Part<T: ?Sized>(PhantomData<T>);

impl<T: Portable> Part<T> {
    /// The part's shape.
    pub const SHAPE: &'static Shape = T::SHAPE;
}

/// For every other part.
pub trait NoPart {
    /// That of nothing.
    const SHAPE: &'static Shape = <() as Portable>::SHAPE;
}

impl<T: ?Sized> NoPart for Part<T> {}

/// Asks at compile time that an interface's objects may be shared between threads.
pub const fn shared<I: ?Sized + Shareable + SharedBetweenThreads>() {}

/// An interface whose trait requires `Send` and `Sync`.
#[diagnostic::on_unimplemented(
    message = "a singleton is asked for on any thread, and `{Self}` is not for all of them",
    label = "its trait requires not both `Send` and `Sync`",
    note = "write `pub trait Name: Send + Sync`, or leave `singleton = true` out"
)]
pub trait SharedBetweenThreads {}

#[diagnostic::do_not_recommend]
impl<I: ?Sized + Send + Sync> SharedBetweenThreads for I {}

/// Asks at compile time that objects of `T` can be those of `S`, which it requires.
///
/// # Panics
/// At compile time, when `S` has methods that take `&mut self` or `self: Box<Self>` and `T` has
/// none: then handles of `T` could be cloned, and those of `S` must not be.
pub const fn extends<T: ?Sized + Interface, S: ?Sized + Interface>() {
    assert!(
        T::SHAPE.is_exclusive() || !S::SHAPE.is_exclusive(),
        "an interface requires one whose objects have a single handle, because a method of it \
         takes `&mut self` or `self: Box<Self>`: so has to have a method of this one"
    );
}

/// A number of methods as a table has it.
///
/// # Panics
/// At compile time, when an interface has more methods than 16 bits count.
#[must_use]
pub const fn count(methods: usize) -> u16 {
    assert!(
        methods <= u16::MAX as usize,
        "an interface of impossible size"
    );
    #[expect(clippy::cast_possible_truncation, reason = "just compared")]
    let count = methods as u16;
    count
}
