//! The layouts that cross between host and plugin.
//!
//! Everything here is `repr(C)` and holds for one [`ABI`] number. Nothing generic of Rust's
//! own layout crosses; whoever allocated something is asked to free it, through a function
//! pointer that lies beside it. Booleans cross as `u8`, so that a wrong value can be seen.

#![expect(
    missing_debug_implementations,
    reason = "whether a union's part or a MaybeUninit can be printed depends on its tag"
)]

use std::mem::MaybeUninit;
use std::sync::Arc;

use crate::portable::Invalid;

/// The number of the layouts in this module. A host refuses a plugin with another one
/// before any of its code runs, from the manifest alone.
pub const ABI: u32 = 1;

/// Borrowed elements: bytes, for text.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawSlice {
    /// The first element; aligned and not null, even when there is none.
    pub pointer: *const u8,
    /// How many elements.
    pub length: usize,
}

impl RawSlice {
    /// The bytes of `text`.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Self {
            pointer: text.as_ptr(),
            length: text.len(),
        }
    }
}

/// Elements that are lent for writing.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawSliceMut {
    /// The first element; aligned and not null, even when there is none.
    pub pointer: *mut u8,
    /// How many elements.
    pub length: usize,
}

/// Owned elements: the receiver takes each over and calls `release`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawVec {
    /// The first element; aligned and not null, even when there is none.
    pub pointer: *mut u8,
    /// How many elements are initialised.
    pub length: usize,
    /// For how many elements memory was allocated.
    pub capacity: usize,
    /// Frees the memory of the elements, in the allocator that it came from; not what the
    /// elements own, which the receiver took over. Not null.
    pub release: Option<unsafe extern "C" fn(pointer: *mut u8, length: usize, capacity: usize)>,
}

/// An `Option`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RawOption<A: Copy> {
    /// 0 for `None`, 1 for `Some`.
    pub some: u8,
    /// Initialised when `some` is 1.
    pub value: MaybeUninit<A>,
}

/// The value of a [`RawResult`].
#[derive(Clone, Copy)]
#[repr(C)]
pub union RawEither<A: Copy, B: Copy> {
    /// Initialised when `ok` is 1.
    pub ok: A,
    /// Initialised when `ok` is 0.
    pub err: B,
}

/// A `Result`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RawResult<A: Copy, B: Copy> {
    /// 0 for `Err`, 1 for `Ok`.
    pub ok: u8,
    /// The value.
    pub value: RawEither<A, B>,
}

/// A value of an enum that grows: the receiver may not know its variant.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawOpen {
    /// The fingerprint of the variant; 0 for one that the sender does not know either.
    pub variant: u64,
    /// The variant's fields, as those of a struct would lie; null when it has none.
    pub fields: *mut u8,
    /// The size of the fields in bytes.
    pub size: usize,
    /// Called once by the receiver, unless `fields` is null: frees their memory, and, when
    /// `taken` is 0, what they own too. With 1 the receiver has taken them over. Not null,
    /// unless `fields` is.
    pub release: Option<unsafe extern "C" fn(fields: *mut u8, taken: u8)>,
}

/// A 128-bit integer as two halves, since its alignment is not the same everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawWide {
    /// The lower 64 bits.
    pub low: u64,
    /// The upper 64 bits.
    pub high: u64,
}

/// Owned bytes that stay where they are.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawBuffer {
    /// The bytes and the function that frees them.
    pub bytes: RawVec,
    /// Keeps the library loaded that the function is in.
    pub keep: RawKeep,
}

/// A `Duration`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawDuration {
    /// Whole seconds.
    pub seconds: u64,
    /// Nanoseconds of the second begun: less than 1,000,000,000.
    pub nanoseconds: u32,
}

/// An array.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RawArray<A, const N: usize> {
    /// The elements.
    pub elements: [A; N],
}

macro_rules! raw_tuples {
    ($($(#[$doc:meta])* $name:ident<$($type:ident),*>;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        #[repr(C)]
        pub struct $name<$($type),*>($(
            /// A part.
            pub $type,
        )*);
    )*};
}

raw_tuples! {
    /// A tuple of two.
    RawTuple2<A, B>;
    /// A tuple of three.
    RawTuple3<A, B, C>;
    /// A tuple of four.
    RawTuple4<A, B, C, D>;
    /// A tuple of five.
    RawTuple5<A, B, C, D, E>;
    /// A tuple of six.
    RawTuple6<A, B, C, D, E, F>;
    /// A tuple of seven.
    RawTuple7<A, B, C, D, E, F, G>;
    /// A tuple of eight.
    RawTuple8<A, B, C, D, E, F, G, H>;
}

/// What every function of a plugin returns: a failure, or else a value.
///
/// Two registers hold it when the value is a number.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Reply<A: Copy> {
    /// Null when the call succeeded; otherwise owned by the receiver.
    pub failure: *mut Failure,
    /// Initialised when `failure` is null.
    pub value: MaybeUninit<A>,
}

impl<A: Copy> Reply<A> {
    /// A successful reply.
    #[inline]
    pub const fn ok(value: A) -> Self {
        Self {
            failure: std::ptr::null_mut(),
            value: MaybeUninit::new(value),
        }
    }

    /// A reply that carries a failure.
    pub const fn failed(failure: *mut Failure) -> Self {
        Self {
            failure,
            value: MaybeUninit::uninit(),
        }
    }
}

/// Why a call gave no value. Allocated by the side that failed, freed by it too.
#[derive(Debug)]
#[repr(C)]
pub struct Failure {
    /// Frees this failure with all that it points to. Not null.
    pub release: Option<unsafe extern "C" fn(failure: *mut Self)>,
    /// The number of a [`crate::CallErrorKind`].
    pub kind: u32,
    /// The line of a panic, from 1; 0 when it is not known.
    pub line: u32,
    /// The column of a panic, from 1; 0 when it is not known.
    pub column: u32,
    /// UTF-8: what happened.
    pub message: RawSlice,
    /// UTF-8: the source file of a panic; empty when it is not known.
    pub file: RawSlice,
    /// UTF-8: the plugin's id.
    pub plugin: RawSlice,
}

/// A [`CallError`](crate::CallError) inside a plugin's own error.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct RawCallError {
    /// The number of a [`CallErrorKind`](crate::CallErrorKind).
    pub kind: u32,
    /// UTF-8: the plugin's id.
    pub plugin: RawVec,
    /// UTF-8: the method.
    pub method: RawVec,
    /// UTF-8: what happened.
    pub message: RawVec,
    /// UTF-8: where.
    pub location: RawVec,
}

/// What an interface is, for comparison.
#[derive(Debug)]
#[repr(C)]
pub struct InterfaceTable {
    /// UTF-8: the interface's id.
    pub id: RawSlice,
    /// The interface's major version.
    pub major: u16,
    /// The interface's minor version.
    pub minor: u16,
    /// What the trait requires of implementors: 1 for `Send`, and 2 for `Sync`.
    pub bounds: u16,
    /// How many fingerprints there are: one for each method.
    pub methods: u16,
    /// The methods' fingerprints.
    pub fingerprints: *const u64,
}

// SAFETY: the table is built by the macro as an immutable static; all its pointers point
// into other immutable statics.
unsafe impl Sync for InterfaceTable {}

/// The front of every vtable. The methods follow, in the order of the interface.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct VtableHead {
    /// The size of the whole vtable in bytes, head included.
    pub size: usize,
    /// The interface that the vtable is for.
    pub interface: *const InterfaceTable,
    /// An address that only the image has which made the vtable: the image recognises its
    /// own objects by it. Never read through.
    pub image: *const u8,
    /// Adds a reference to the object. Not null.
    pub retain: Option<unsafe extern "C" fn(object: *const ())>,
    /// Takes a reference away and drops the object with the last. Not null.
    pub release: Option<unsafe extern "C" fn(object: *const ()) -> Reply<u8>>,
    /// Calls a method by its number, with arguments and result as bytes. Null when the image
    /// cannot: its objects are then called directly only.
    pub invoke: Option<Invoke>,
}

/// Calls the method `method` (from 0, in the order of the interface) of `object`, for who
/// knows no more of it. The input are the arguments in order, as bytes. `output` is always
/// written: the result as bytes when 0 is returned, else a `CallError` as bytes, and what is
/// returned is its kind.
pub type Invoke = unsafe extern "C" fn(
    object: *const (),
    context: *const InvokeContext,
    method: u32,
    input: RawSlice,
    output: *mut RawVec,
) -> u32;

/// What a call by number is made in. It lives as long as the call.
#[derive(Debug)]
#[repr(C)]
pub struct InvokeContext {
    /// The size of this struct in bytes.
    pub size: usize,
    /// The connection that objects among arguments and results cross; null when only values
    /// can cross.
    pub link: *const RawLink,
    /// For how many nanoseconds the caller waits; all bits set when for ever.
    pub time_left: u64,
    /// What `cancelled` takes.
    pub context: *const (),
    /// 1 when the caller does not want the result any more, else 0. May be called on any
    /// thread during the call. Not null.
    pub cancelled: Option<unsafe extern "C" fn(context: *const ()) -> u8>,
}

/// A connection to a side that shares no memory: objects there, by number, and objects of
/// this side that were given to it.
///
/// All functions may be called on any thread, and take the context of `keep`; none is null.
/// Numbers count references: each crossing hands one over.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawLink {
    /// The size of this struct in bytes.
    pub size: usize,
    /// Keeps the connection; its context is what the functions take.
    pub keep: RawKeep,
    /// Calls a method of the other side's object: as [`Invoke`].
    pub call: unsafe extern "C" fn(
        context: *const (),
        object: u64,
        method: u32,
        input: RawSlice,
        time_left: u64,
        output: *mut RawVec,
    ) -> u32,
    /// Gives an object of this side to the connection and says its number there.
    pub export: unsafe extern "C" fn(context: *const (), object: RawInterface) -> u64,
    /// Takes one reference to an object of this side back that the other side had: 1 when
    /// there is such an object, else 0 and nothing is written.
    pub import:
        unsafe extern "C" fn(context: *const (), number: u64, object: *mut RawInterface) -> u8,
    /// Tells the other side of another reference to its object.
    pub retain: unsafe extern "C" fn(context: *const (), object: u64),
    /// Tells the other side of one less.
    pub release: unsafe extern "C" fn(context: *const (), object: u64),
    /// 1 while calls can be carried; 0 once the connection has ended.
    pub is_open: unsafe extern "C" fn(context: *const ()) -> u8,
}

/// An object of a plugin with the vtable for one interface.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawObject {
    /// What the vtable's functions take first.
    pub object: *const (),
    /// The vtable: a [`VtableHead`] and the methods.
    pub vtable: *const VtableHead,
}

/// An interface that a plugin provides.
#[derive(Debug)]
#[repr(C)]
pub struct ProvidedTable {
    /// The interface.
    pub interface: *const InterfaceTable,
    /// The functions of the interface, for the plugin's instances: all interfaces of a
    /// plugin are had of the same instances.
    pub vtable: *const VtableHead,
}

// SAFETY: as for `InterfaceTable`.
unsafe impl Sync for ProvidedTable {}

/// What a plugin's entry function returns.
#[derive(Debug)]
#[repr(C)]
pub struct PluginTable {
    /// The size of this struct in bytes.
    pub size: usize,
    /// The plugin's [`ABI`].
    pub abi: u32,
    /// How many interfaces are provided.
    pub provided: u32,
    /// The provided interfaces.
    pub provides: *const ProvidedTable,
    /// UTF-8: the plugin's id.
    pub id: RawSlice,
    /// UTF-8: the plugin's version.
    pub version: RawSlice,
    /// Makes an instance, with the vtable of the first interface that is provided. Its
    /// methods are not called before `start`. The arguments live during the call. Not null.
    pub create: Option<unsafe extern "C" fn(arguments: *const CreateArguments) -> Reply<RawObject>>,
    /// Called once, after `create`. An instance that does not start is released unused. Not null.
    pub start: Option<unsafe extern "C" fn(instance: *const ()) -> Reply<u8>>,
    /// Ends the use of an instance, at most once: what is called later fails as stopped. An
    /// instance whose last reference is released without it stops then. Not null.
    pub stop: Option<unsafe extern "C" fn(instance: *const ()) -> Reply<u8>>,
}

// SAFETY: as for `InterfaceTable`.
unsafe impl Sync for PluginTable {}

/// What an instance is made with.
#[derive(Debug)]
#[repr(C)]
pub struct CreateArguments {
    /// The size of this struct in bytes.
    pub size: usize,
    /// UTF-8: the configuration as JSON; empty when the host has none for it.
    pub configuration: RawSlice,
    /// The host's services: an object of the interface `org.plugwright.host`. It is lent; a
    /// plugin that wants it longer takes a reference of the object and of its keep-alive.
    pub host: RawInterface,
}

/// What a host hands to a plugin's entry function.
#[derive(Debug)]
#[repr(C)]
pub struct HostTable {
    /// The size of this struct in bytes.
    pub size: usize,
    /// The host's [`ABI`].
    pub abi: u32,
    /// The address that only the host's image has: see [`VtableHead::image`].
    pub image: *const u8,
    /// Keeps the plugin's own library loaded. The plugin may take references from it while
    /// something else keeps the library; it does not own one.
    pub keep: RawKeep,
}

/// The type of the symbol that a record names.
pub type Entry = unsafe extern "C" fn(host: *const HostTable) -> *const PluginTable;

/// An object of an interface that crosses as a value, owned by the receiver.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawInterface {
    /// The object and its vtable.
    pub object: RawObject,
    /// Keeps the library loaded that the vtable is in.
    pub keep: RawKeep,
}

/// A future, owned by the receiver: it is polled by one thread at a time, and released once,
/// whether it gave its value or not.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawFuture {
    /// What the functions take first.
    pub state: *mut (),
    /// The functions.
    pub functions: *const FutureFunctions,
    /// Keeps the library loaded that the functions are in.
    pub keep: RawKeep,
}

/// The functions of a [`RawFuture`].
#[derive(Debug)]
#[repr(C)]
pub struct FutureFunctions {
    /// The size of this struct in bytes.
    pub size: usize,
    /// Asks for the value: 1 when it was written to `output`, which is a place for what the
    /// future's value crosses as; 0 when it is not there yet, and `waker`, which is lent for
    /// the call, or a clone of it is woken when it is worth asking again. After a value or a
    /// failure nothing comes but failures. Not null.
    pub poll: Option<
        unsafe extern "C" fn(state: *mut (), waker: *const RawWaker, output: *mut ()) -> Reply<u8>,
    >,
    /// Ends the future, which is how it is cancelled. Not null.
    pub release: Option<unsafe extern "C" fn(state: *mut ()) -> Reply<u8>>,
}

/// What is told when a future is worth polling again. All its functions may be called on any
/// thread.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawWaker {
    /// What the functions take first.
    pub data: *const (),
    /// What they take next: whatever the side that made the waker needs beside the data. Two
    /// wakers with equal data, table and functions wake the same.
    pub table: *const (),
    /// The functions.
    pub functions: *const WakerFunctions,
    /// Keeps the library loaded that the functions are in. One that is lent owns no reference.
    pub keep: RawKeep,
}

/// The functions of a [`RawWaker`]. None is null.
#[derive(Debug)]
#[repr(C)]
pub struct WakerFunctions {
    /// The size of this struct in bytes.
    pub size: usize,
    /// Writes another one, which is owned, to `output`; or fails, and writes nothing.
    pub clone: Option<
        unsafe extern "C" fn(data: *const (), table: *const (), output: *mut RawWaker) -> Reply<u8>,
    >,
    /// Wakes, and takes the waker over.
    pub wake: Option<unsafe extern "C" fn(data: *const (), table: *const ())>,
    /// Wakes.
    pub wake_by_ref: Option<unsafe extern "C" fn(data: *const (), table: *const ())>,
    /// Gives an owned one up.
    pub release: Option<unsafe extern "C" fn(data: *const (), table: *const ())>,
}

/// A reference to something that must stay loaded, as it crosses.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawKeep {
    /// What the functions take.
    pub context: *const (),
    /// Adds a reference. Not null.
    pub retain: Option<unsafe extern "C" fn(context: *const ())>,
    /// Takes a reference away. Not null.
    pub release: Option<unsafe extern "C" fn(context: *const ())>,
}

impl RawKeep {
    /// Whether both functions are there.
    pub(crate) fn is_whole(&self) -> bool {
        self.retain.is_some() && self.release.is_some()
    }

    /// # Safety
    /// The context is alive.
    unsafe fn retain(&self) {
        if let Some(retain) = self.retain {
            // SAFETY: by this function's contract.
            unsafe { retain(self.context) };
        }
    }
}

// SAFETY: both functions may be called on any thread: see `KeepAlive::new`.
unsafe impl Send for RawKeep {}
// SAFETY: as for Send.
unsafe impl Sync for RawKeep {}

/// Keeps something loaded: every value that can run plugin code later carries one.
#[derive(Debug)]
#[repr(transparent)]
pub struct KeepAlive(RawKeep);

impl KeepAlive {
    /// Keeps `kept` for as long as a clone of the result lives.
    pub fn new<T: Send + Sync + 'static>(kept: Arc<T>) -> Self {
        unsafe extern "C" fn retain<T>(context: *const ()) {
            // SAFETY: `context` came from `Arc::<T>::into_raw` and its reference is still held.
            unsafe { Arc::increment_strong_count(context.cast::<T>()) };
        }
        unsafe extern "C" fn release<T>(context: *const ()) {
            // SAFETY: as above; the caller gives its reference up.
            unsafe { Arc::decrement_strong_count(context.cast::<T>()) };
        }
        Self(RawKeep {
            context: Arc::into_raw(kept).cast(),
            retain: Some(retain::<T>),
            release: Some(release::<T>),
        })
    }

    /// For what is never unloaded: the program itself.
    #[must_use]
    pub fn forever() -> Self {
        unsafe extern "C" fn nothing(_: *const ()) {}
        Self(RawKeep {
            context: std::ptr::null(),
            retain: Some(nothing),
            release: Some(nothing),
        })
    }

    /// What a plugin may take references from. It owns none.
    #[must_use]
    pub fn lend(&self) -> RawKeep {
        self.0
    }

    /// Takes a reference of its own from what was lent.
    ///
    /// # Safety
    /// Something else keeps a reference meanwhile.
    #[must_use]
    pub unsafe fn retained(raw: RawKeep) -> Self {
        // SAFETY: by this function's contract the context is alive.
        unsafe { raw.retain() };
        Self(raw)
    }

    /// Gives the reference away.
    #[must_use]
    pub fn into_raw(self) -> RawKeep {
        std::mem::ManuallyDrop::new(self).0
    }

    /// Takes over a reference that the other side gave away.
    ///
    /// # Errors
    /// When one of its functions is null: then there is nothing that could be given back.
    ///
    /// # Safety
    /// As [`KeepAlive::from_raw`].
    pub(crate) unsafe fn received(raw: RawKeep) -> Result<Self, Invalid> {
        const WHOLE: Invalid = Invalid::new(&"what keeps a library, with both functions");
        if raw.is_whole() {
            Ok(Self(raw))
        } else {
            Err(WHOLE)
        }
    }

    /// Takes over a reference that was given away.
    ///
    /// # Safety
    /// `raw` came from [`KeepAlive::into_raw`], on either side, and is used once.
    #[must_use]
    pub unsafe fn from_raw(raw: RawKeep) -> Self {
        Self(raw)
    }
}

impl Clone for KeepAlive {
    fn clone(&self) -> Self {
        // SAFETY: `self` holds a reference, so `context` is alive.
        unsafe { self.0.retain() };
        Self(self.0)
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: the reference that `self` holds is given up once.
            unsafe { release(self.0.context) };
        }
    }
}
