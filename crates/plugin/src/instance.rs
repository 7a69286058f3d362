//! The plugin's side of a call: objects, the panic boundary, and what becomes of a panic.
//!
//! The invariants: no panic leaves a function that the host calls; an object whose method
//! panicked is poisoned and its methods are not run again; the plugin's panic message is
//! printed only when no boundary took it to the host.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once};

use crate::abi::{Failure, HostTable, PluginTable, RawObject, RawSlice, Reply, VtableHead};
use crate::interface::{Interface, Provides};
use crate::own;
use crate::portable::Invalid;
use crate::remote::invoke;
use crate::{CallError, CallErrorKind};

/// An object as its vtables see it.
#[repr(C)]
struct Instance<T> {
    /// First, so that it can be read of every object that this image made.
    class: TypeId,
    poisoned: AtomicBool,
    plugin: &'static str,
    value: T,
}

impl<T: 'static> Instance<T> {
    fn object(plugin: &'static str, value: T) -> *const () {
        Arc::into_raw(Arc::new(Self {
            class: TypeId::of::<T>(),
            poisoned: AtomicBool::new(false),
            plugin,
            value,
        }))
        .cast()
    }
}

/// Runs a method of the object behind `object`.
///
/// # Safety
/// `object` is one that [`create`] made for this `T`, and is referenced during the call.
#[inline]
pub unsafe fn call<T, A: Copy>(
    object: *const (),
    method: impl FnOnce(&T) -> Result<A, Fault>,
) -> Reply<A> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    // Relaxed: the flag guards no memory; a call that races with the panic may still run.
    if instance.poisoned.load(Ordering::Relaxed) {
        return Reply::failed(failure(
            CallErrorKind::Poisoned,
            instance.plugin,
            Note::default(),
        ));
    }
    match catch_unwind(AssertUnwindSafe(|| method(&instance.value))) {
        Ok(Ok(value)) => Reply::ok(value),
        Ok(Err(fault)) => Reply::failed(faulty(instance.plugin, fault)),
        Err(payload) => {
            instance.poisoned.store(true, Ordering::Relaxed);
            Reply::failed(panicked(instance.plugin, payload))
        }
    }
}

/// Why a method was not run, or gave nothing, although nothing panicked.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "what the macros' output can meet")]
pub enum Fault {
    /// An argument is none of its type.
    Invalid(Invalid),
    /// Another call that this one is made of failed.
    Call(CallError),
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

#[cold]
fn faulty(plugin: &'static str, fault: Fault) -> *mut Failure {
    match fault {
        Fault::Invalid(invalid) => {
            let note = Note {
                message: invalid.to_string(),
                ..Note::default()
            };
            failure(CallErrorKind::Invalid, plugin, note)
        }
        Fault::Call(error) => {
            // Without a line the file is the whole location.
            let note = Note {
                message: error.message().to_owned(),
                file: error.location().to_owned(),
                ..Note::default()
            };
            failure(error.kind(), error.plugin(), note)
        }
    }
}

/// Runs what belongs to no object, so that no panic leaves it.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, CallError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Fault::Call(error))) => Err(error),
        Ok(Err(Fault::Invalid(invalid))) => Err(CallError::invalid("", invalid)),
        // SAFETY: made just now.
        Err(payload) => Err(unsafe { CallError::take(panicked(own::plugin(), payload), "") }),
    }
}

#[cold]
fn panicked(plugin: &'static str, payload: Box<dyn Any + Send>) -> *mut Failure {
    let mut note = take_note().unwrap_or_default();
    if note.message.is_empty() {
        note.message = message(&*payload);
    }
    // A payload's destructor may panic in turn, which here would end the process.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    failure(CallErrorKind::Panicked, plugin, note)
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

/// A failure and the texts that it points to, as one allocation's worth of ownership.
#[repr(C)]
struct OwnedFailure {
    /// First, so that a pointer to it is a pointer to the whole.
    raw: Failure,
    _texts: [String; 3],
}

#[cold]
fn failure(kind: CallErrorKind, plugin: &str, note: Note) -> *mut Failure {
    unsafe extern "C" fn release(failure: *mut Failure) {
        // SAFETY: every failure that this library makes is an `OwnedFailure` from
        // `Box::into_raw`, whose first field it is; it is released once.
        drop(unsafe { Box::from_raw(failure.cast::<OwnedFailure>()) });
    }
    let plugin = plugin.to_owned();
    let raw = Failure {
        release,
        kind: kind as u32,
        line: note.line,
        column: note.column,
        message: RawSlice::of(&note.message),
        file: RawSlice::of(&note.file),
        plugin: RawSlice::of(&plugin),
    };
    // Moving a String does not move its text.
    let owned = OwnedFailure {
        raw,
        _texts: [note.message, note.file, plugin],
    };
    Box::into_raw(Box::new(owned)).cast()
}

/// Makes an object of `T` for interface `I`: the `create` of a plugin's table.
pub fn create<T, I>(plugin: &'static str) -> Reply<RawObject>
where
    T: Default + 'static,
    I: ?Sized + Interface + Provides<T>,
{
    match catch_unwind(T::default) {
        Ok(value) => Reply::ok(object::<T, I>(plugin, value)),
        Err(payload) => Reply::failed(panicked(plugin, payload)),
    }
}

/// Makes an object of `value` for interface `I`.
pub(crate) fn object<T, I>(plugin: &'static str, value: T) -> RawObject
where
    T: 'static,
    I: ?Sized + Interface + Provides<T>,
{
    RawObject {
        object: Instance::object(plugin, value),
        vtable: std::ptr::from_ref(I::VTABLE).cast(),
    }
}

/// Looks at an object, if this very image made it of a `T`.
///
/// # Safety
/// `raw` is an object with its vtable, and is referenced during the call.
pub(crate) unsafe fn at_home<T: 'static, R>(
    raw: RawObject,
    look: impl FnOnce(&T) -> R,
) -> Option<R> {
    // SAFETY: by this function's contract.
    let head = unsafe { &*raw.vtable };
    if head.image != own::mark() {
        return None;
    }
    // SAFETY: an object of this image is an `Instance`, which begins with its class.
    let class = unsafe { *raw.object.cast::<TypeId>() };
    if class != TypeId::of::<T>() {
        return None;
    }
    // SAFETY: the class says that it is this one.
    let instance = unsafe { &*raw.object.cast::<Instance<T>>() };
    Some(look(&instance.value))
}

/// The front of the vtable of the interface `I` on `T`.
#[must_use]
pub const fn vtable_head<T, I: ?Sized + Interface + Provides<T>>() -> VtableHead {
    unsafe extern "C" fn retain<T>(object: *const ()) {
        // SAFETY: `create` made the object from an Arc, and the caller holds a reference.
        unsafe { Arc::increment_strong_count(object.cast::<Instance<T>>()) };
    }
    unsafe extern "C" fn release<T>(object: *const ()) -> Reply<u8> {
        // SAFETY: as above; the caller gives its reference up.
        let instance = unsafe { Arc::from_raw(object.cast::<Instance<T>>()) };
        let plugin = instance.plugin;
        match catch_unwind(AssertUnwindSafe(|| drop(instance))) {
            Ok(()) => Reply::ok(0),
            Err(payload) => Reply::failed(panicked(plugin, payload)),
        }
    }
    VtableHead {
        size: size_of::<I::Vtable>(),
        interface: I::TABLE,
        image: own::mark(),
        retain: retain::<T>,
        release: release::<T>,
        invoke: Some(invoke::<T, I>),
    }
}

/// What every entry function does: prepares the plugin's own copy of std, once.
///
/// # Safety
/// `host` is null or points to the host's table.
pub unsafe fn enter(
    host: *const HostTable,
    table: &'static PluginTable,
    plugin: &'static str,
) -> *const PluginTable {
    // SAFETY: by this function's contract.
    let Some(host) = (unsafe { host.as_ref() }) else {
        return std::ptr::null();
    };
    // A plugin that is linked into its host shares the host's std, and is never unloaded.
    if host.image == own::mark() {
        return std::ptr::from_ref(table);
    }
    own::enter(host.keep, plugin);
    // With panic=abort nothing is ever caught, so the message must appear at once.
    if cfg!(panic = "unwind") {
        static HOOK: Once = Once::new();
        let _ = catch_unwind(|| HOOK.call_once(|| std::panic::set_hook(Box::new(note_panic))));
    }
    std::ptr::from_ref(table)
}

/// What is known of a panic.
#[derive(Default)]
struct Note {
    message: String,
    file: String,
    line: u32,
    column: u32,
}

/// The latest panic of this thread, until a boundary takes it. A panic that a boundary
/// never takes (on a thread of the plugin's own, or caught by the plugin itself) is printed
/// when the thread ends or panics again. Nothing here costs a call that does not panic,
/// and the thread-local's destructor is registered by a panic only.
struct Latest(Option<Note>);

impl Drop for Latest {
    fn drop(&mut self) {
        if let Some(note) = self.0.take() {
            note.print();
        }
    }
}

thread_local! {
    static LATEST: RefCell<Latest> = const { RefCell::new(Latest(None)) };
}

fn note_panic(info: &PanicHookInfo<'_>) {
    let (file, line, column) = info.location().map_or_else(Default::default, |location| {
        (
            location.file().to_owned(),
            location.line(),
            location.column(),
        )
    });
    let note = Note {
        message: message_of(info),
        file,
        line,
        column,
    };
    let mut note = Some(note);
    let previous = LATEST.try_with(|latest| {
        let mut latest = latest.try_borrow_mut().ok()?;
        std::mem::replace(&mut latest.0, note.take())
    });
    // The thread is ending already, or nobody took the panic before this one.
    for untaken in [note, previous.unwrap_or_default()].into_iter().flatten() {
        untaken.print();
    }
}

fn message_of(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str()
        .map_or_else(|| "a panic without a message".to_owned(), str::to_owned)
}

fn take_note() -> Option<Note> {
    LATEST
        .try_with(|latest| latest.try_borrow_mut().ok()?.0.take())
        .ok()
        .flatten()
}

impl Note {
    fn print(&self) {
        // What std prints for a panic that nobody catches. A write that fails has nobody
        // left to be told.
        let _ = writeln!(
            std::io::stderr(),
            "a thread of a plugin panicked at {}:{}:{}:\n{}",
            self.file,
            self.line,
            self.column,
            self.message
        );
    }
}
