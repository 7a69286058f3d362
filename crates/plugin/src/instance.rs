//! The plugin's side of a call: objects, the panic boundary, and what becomes of a panic.
//!
//! The invariants: no panic leaves a function that the host calls; an object's methods are
//! run only between its start and its stop, and not after one of them panicked; the
//! plugin's panic message is printed only when no boundary took it to the host.

mod note;
mod part;

use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Once};

use plugwright_manifest::schema::Receiver;

use crate::abi::{
    ABI, CreateArguments, Failure, HostTable, PluginTable, ProvidedTable, RawObject, RawSlice,
    Reply, VtableHead,
};
use crate::context::Context;
use crate::interface::{Interface, Provides};
use crate::life::{Life, PluginError, Unmade, text_of};
use crate::own;
use crate::portable::{Invalid, Kept, Portable};
use crate::remote::invoke;
use crate::{CallError, CallErrorKind, arrived, forward};
use note::{Note, note_panic, take_note};
pub(crate) use part::{Owner, drop_of, part_of};

/// An object as its vtables see it.
#[repr(C)]
struct Instance<T: 'static> {
    /// First, so that it can be read of every object that this image made.
    class: TypeId,
    state: AtomicU8,
    /// Who uses the object by number: see [`Using`].
    users: AtomicU32,
    plugin: &'static str,
    /// What is run at the start and at the stop of an instance of a plugin.
    life: Option<&'static Life<T>>,
    /// Gone when the state is `CONSUMED`.
    value: UnsafeCell<ManuallyDrop<T>>,
}

/// The states of an object. One comparison with `RUNNING` is all that a call costs.
///
/// That only one caller uses an object exclusively is not for the state to say: whoever may
/// call such a method has the only handle there is, and has borrowed it exclusively. What
/// `BUSY` and `CONSUMED` tell is who broke that rule on the same thread.
mod state {
    pub(super) const RUNNING: u8 = 0;
    pub(super) const CREATED: u8 = 1;
    pub(super) const POISONED: u8 = 2;
    pub(super) const STOPPED: u8 = 3;
    /// A method that takes `&mut self` is running.
    pub(super) const BUSY: u8 = 4;
    /// A method took the object whole.
    pub(super) const CONSUMED: u8 = 5;
}

impl<T: 'static> Instance<T> {
    fn object(
        state: u8,
        plugin: &'static str,
        life: Option<&'static Life<T>>,
        value: T,
    ) -> *const () {
        Arc::into_raw(Arc::new(Self {
            class: TypeId::of::<T>(),
            state: AtomicU8::new(state),
            users: AtomicU32::new(0),
            plugin,
            life,
            value: UnsafeCell::new(ManuallyDrop::new(value)),
        }))
        .cast()
    }

    /// # Safety
    /// No method has the value exclusively, and none took it whole.
    #[inline]
    unsafe fn value(&self) -> &T {
        // SAFETY: by this function's contract.
        unsafe { &*self.value.get() }
    }

    /// What became of a call that panicked.
    #[cold]
    fn poisoned(&self, payload: Box<dyn Any + Send>) -> *mut Failure {
        // What was taken whole is not there any more, panic or not.
        if self.state.load(Ordering::Relaxed) != state::CONSUMED {
            self.state.store(state::POISONED, Ordering::Relaxed);
        }
        panicked(self.plugin, payload)
    }

    /// Runs a hook behind the panic boundary.
    ///
    /// # Safety
    /// As [`Instance::value`].
    unsafe fn hook(&self, hook: fn(&T) -> Result<(), PluginError>) -> Result<(), *mut Failure> {
        // SAFETY: by this function's contract.
        let value = unsafe { self.value() };
        match catch_unwind(AssertUnwindSafe(|| hook(value).map_err(text_of))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(failure(
                CallErrorKind::Failed,
                self.plugin,
                Note::of(message),
            )),
            Err(payload) => Err(panicked(self.plugin, payload)),
        }
    }

    /// Stops the instance, when it runs.
    fn stop(&self) -> Result<(), *mut Failure> {
        // AcqRel: of two threads that stop it, one runs the hook.
        let was = self.state.compare_exchange(
            state::RUNNING,
            state::STOPPED,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        match (was, self.life) {
            // SAFETY: it was running, and nobody calls it exclusively from now on.
            (Ok(_), Some(life)) => unsafe { self.hook(life.stop) },
            (Err(state::BUSY), _) => Err(not_running(self.plugin, state::BUSY)),
            _ => Ok(()),
        }
    }
}

impl<T: 'static> Drop for Instance<T> {
    fn drop(&mut self) {
        if *self.state.get_mut() != state::CONSUMED {
            // SAFETY: the value is still there, and goes with the object.
            unsafe { ManuallyDrop::drop(self.value.get_mut()) };
        }
    }
}

/// Runs a method of the object behind `object` that takes `&self`. Everything that may panic is
/// behind the panic boundary: `take` takes the arguments over, also when the method is not run.
/// `converted` says whether values are made for the call that its arguments borrow.
///
/// # Safety
/// `object` is one that [`create`] made for this `T`, and is referenced during the call.
/// Nobody calls it exclusively meanwhile.
#[inline]
pub unsafe fn call<T: 'static, P, A: Copy>(
    object: *const (),
    converted: bool,
    take: impl FnOnce() -> P,
    method: impl FnOnce(&T, P) -> Result<A, Fault>,
) -> Reply<A> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    // SAFETY: by this function's contract, for as long as the object runs.
    let run = |arguments| method(unsafe { instance.value() }, arguments);
    // Relaxed: the state guards no memory; a call that races with a panic may still run.
    let now = instance.state.load(Ordering::Relaxed);
    bounded(instance, now, converted, take, run)
}

/// Runs a method that takes `&mut self`, as [`call`].
///
/// # Safety
/// As [`call`], and nobody calls it at all meanwhile.
#[inline]
pub unsafe fn call_exclusively<T: 'static, P, A: Copy>(
    object: *const (),
    converted: bool,
    take: impl FnOnce() -> P,
    method: impl FnOnce(&mut T, P) -> Result<A, Fault>,
) -> Reply<A> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    let now = instance.state.load(Ordering::Relaxed);
    bounded(instance, now, converted, take, |arguments| {
        instance.state.store(state::BUSY, Ordering::Relaxed);
        // SAFETY: by this function's contract the value is this call's alone; it is there,
        // since the object runs.
        let result = method(unsafe { &mut *instance.value.get() }, arguments);
        instance.state.store(state::RUNNING, Ordering::Relaxed);
        result
    })
}

/// Runs a method that takes `self: Box<Self>`, as [`call`]. What is left is an object that
/// answers no call. Its stop is not run: the method has the value.
///
/// # Safety
/// As [`call_exclusively`].
#[inline]
pub unsafe fn call_owned<T: 'static, P, A: Copy>(
    object: *const (),
    converted: bool,
    take: impl FnOnce() -> P,
    method: impl FnOnce(Box<T>, P) -> Result<A, Fault>,
) -> Reply<A> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    let now = instance.state.load(Ordering::Relaxed);
    bounded(instance, now, converted, take, |arguments| {
        instance.state.store(state::CONSUMED, Ordering::Relaxed);
        // SAFETY: by this function's contract the value is this call's alone.
        let value = unsafe { &mut *instance.value.get() };
        // SAFETY: it is there, since the object ran, and is not looked at again, since it does
        // not run any more.
        let value = unsafe { ManuallyDrop::take(value) };
        method(Box::new(value), arguments)
    })
}

/// Runs what a call consists of, when the object is in a state for it.
#[inline]
fn bounded<T: 'static, P, A: Copy>(
    instance: &Instance<T>,
    now: u8,
    converted: bool,
    take: impl FnOnce() -> P,
    run: impl FnOnce(P) -> Result<A, Fault>,
) -> Reply<A> {
    if now != state::RUNNING {
        let mut take = ManuallyDrop::new(take);
        let instance = std::ptr::from_ref(instance).cast();
        // SAFETY: the instance lives during the call; `take` is of this type and not used again.
        return unsafe { refused::<T, P, A, _>(instance, now, converted, &raw mut take) };
    }
    // It has all that it needs: what it borrowed would have to lie on the stack.
    let whole = move || {
        let _kept = Kept::when(converted);
        run(take())
    };
    match catch_unwind(AssertUnwindSafe(whole)) {
        Ok(Ok(value)) => Reply::ok(value),
        Ok(Err(fault)) => {
            let plugin = (&raw const instance.plugin).cast();
            // SAFETY: both are what they have to be, and the fault is given away.
            unsafe { told(plugin, Box::into_raw(fault.0).cast()) }
        }
        Err(payload) => Reply::failed(instance.poisoned(payload)),
    }
}

/// Takes the arguments of a call over that is not run.
///
/// What goes wrong is told by functions that are never in line, take and give what registers
/// hold and, since they are of C, never unwind: with that a method which cannot panic needs no
/// place on the stack, nor any step for it.
///
/// # Safety
/// `instance` is an `Instance<T>`, and `take` is used by nobody else.
#[cold]
#[inline(never)]
unsafe extern "C" fn refused<T: 'static, P, A: Copy, F: FnOnce() -> P>(
    instance: *const (),
    now: u8,
    converted: bool,
    take: *mut ManuallyDrop<F>,
) -> Reply<A> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*instance.cast::<Instance<T>>() };
    // SAFETY: by this function's contract.
    let take = ManuallyDrop::into_inner(unsafe { take.read() });
    let taken = catch_unwind(AssertUnwindSafe(|| {
        let _kept = Kept::when(converted);
        drop(take());
    }));
    Reply::failed(match taken {
        Ok(()) => not_running(instance.plugin, now),
        Err(payload) => instance.poisoned(payload),
    })
}

/// As [`faulty`], for a call: see [`refused`].
///
/// # Safety
/// `plugin` is a `&'static str`, and `fault` a boxed [`Cause`] that is given away.
#[cold]
#[inline(never)]
unsafe extern "C" fn told<A: Copy>(plugin: *const (), fault: *mut ()) -> Reply<A> {
    // SAFETY: by this function's contract.
    let plugin = unsafe { *plugin.cast::<&'static str>() };
    // SAFETY: by this function's contract.
    let fault = Fault(unsafe { Box::from_raw(fault.cast()) });
    Reply::failed(faulty(plugin, fault))
}

/// Runs what belongs to no object, behind the panic boundary.
pub(crate) fn reply_of<A: Copy>(
    plugin: &'static str,
    run: impl FnOnce() -> Result<A, Fault>,
) -> Reply<A> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Reply::ok(value),
        Ok(Err(fault)) => Reply::failed(faulty(plugin, fault)),
        Err(payload) => Reply::failed(panicked(plugin, payload)),
    }
}

/// Prints a panic that was caught where nobody could be told otherwise.
#[cold]
pub(crate) fn tell_panic(payload: Box<dyn Any + Send>) {
    // In a host its own hook has printed it.
    if let Some(note) = take_note() {
        note.print();
    }
    let_go(payload);
}

/// Drops what a panic carried. Its destructor may panic in turn, which would leave the function
/// that the other side called; what that second panic carries is kept, since it may do the same.
fn let_go(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        let _kept = ManuallyDrop::new(again);
    }
}

/// A call by number, which comes from who may know nothing of borrowing. The objects of
/// interfaces whose methods all take `&self` do without it.
pub(crate) struct Using<'a> {
    users: &'a AtomicU32,
    all: u32,
}

impl<'a> Using<'a> {
    /// Stands for a user that has the object alone.
    const EXCLUSIVELY: u32 = u32::MAX;

    /// # Safety
    /// `object` is one that [`create`] made for this `T`, and is referenced during `'a`.
    pub(crate) unsafe fn enter<T: 'static>(
        object: *const (),
        receiver: Receiver,
    ) -> Result<Self, CallError> {
        // SAFETY: by this function's contract.
        let instance = unsafe { &*object.cast::<Instance<T>>() };
        let users = &instance.users;
        let all = if receiver == Receiver::Shared {
            1
        } else {
            Self::EXCLUSIVELY
        };
        let with = |users: u32| users.checked_add(all);
        match users.fetch_update(Ordering::Acquire, Ordering::Relaxed, with) {
            Ok(_) => Ok(Self { users, all }),
            Err(_) => Err(CallError::reentrant(instance.plugin)),
        }
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.users.fetch_sub(self.all, Ordering::Release);
    }
}

/// Why a method was not run, or gave nothing, although nothing panicked. One word, so that what
/// a call gives fits into registers.
#[derive(Debug)]
pub struct Fault(Box<Cause>);

#[derive(Debug)]
enum Cause {
    /// An argument is none of its type.
    Invalid(Invalid),
    /// Another call that this one is made of failed.
    Call(CallError),
    /// The object answers no calls: its state.
    NotRunning(u8),
    /// A panic that leaves the object as it was.
    Panicked(Box<dyn Any + Send>),
}

impl From<Invalid> for Fault {
    #[inline]
    fn from(invalid: Invalid) -> Self {
        /// As [`refused`].
        #[cold]
        #[inline(never)]
        extern "C" fn boxed(expected: *const u8, length: usize) -> *mut () {
            // SAFETY: these are the parts of a text that lives for ever.
            let expected = unsafe { std::slice::from_raw_parts(expected, length) };
            // SAFETY: as above.
            let expected = unsafe { std::str::from_utf8_unchecked(expected) };
            Box::into_raw(Box::new(Cause::Invalid(Invalid::new(expected)))).cast()
        }
        let expected = invalid.expected();
        let cause = boxed(expected.as_ptr(), expected.len());
        // SAFETY: boxed just now.
        Self(unsafe { Box::from_raw(cause.cast()) })
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self(Box::new(Cause::Call(error)))
    }
}

impl Fault {
    fn not_running(now: u8) -> Self {
        Self(Box::new(Cause::NotRunning(now)))
    }
}

#[cold]
fn not_running(plugin: &'static str, now: u8) -> *mut Failure {
    match now {
        state::POISONED => failure(CallErrorKind::Poisoned, plugin, Note::default()),
        state::CREATED => {
            let message = "it has not been started".to_owned();
            failure(CallErrorKind::Stopped, plugin, Note::of(message))
        }
        state::BUSY => {
            let message = "a method that takes `&mut self` is running".to_owned();
            failure(CallErrorKind::Reentrant, plugin, Note::of(message))
        }
        state::CONSUMED => {
            let message = "a method that takes `self: Box<Self>` took it".to_owned();
            failure(CallErrorKind::Stopped, plugin, Note::of(message))
        }
        _ => failure(CallErrorKind::Stopped, plugin, Note::default()),
    }
}

#[cold]
fn faulty(plugin: &'static str, fault: Fault) -> *mut Failure {
    match *fault.0 {
        Cause::Invalid(invalid) => {
            let note = Note::of(invalid.to_string());
            failure(CallErrorKind::Invalid, plugin, note)
        }
        Cause::Call(error) => {
            // Without a line the file is the whole location.
            let note = Note {
                message: error.message().to_owned(),
                file: error.location().to_owned(),
                ..Note::default()
            };
            failure(error.kind(), error.plugin(), note)
        }
        Cause::NotRunning(now) => not_running(plugin, now),
        Cause::Panicked(payload) => panicked(plugin, payload),
    }
}

/// Runs a part of a call whose panic is a failure of that call and leaves the object as it is:
/// for interfaces that say so.
///
/// # Errors
/// When it panics, or as it says.
pub fn surviving<R>(run: impl FnOnce() -> Result<R, Fault>) -> Result<R, Fault> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|payload| Err(Fault(Box::new(Cause::Panicked(payload)))))
}

/// Runs what belongs to no object, so that no panic leaves it.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, CallError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(match *fault.0 {
            Cause::Call(error) => error,
            Cause::Invalid(invalid) => CallError::invalid("", invalid),
            other => {
                let failure = faulty(own::plugin(), Fault(Box::new(other)));
                // SAFETY: made just now.
                unsafe { CallError::take(failure, "") }
            }
        }),
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
    let_go(payload);
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
        release: Some(release),
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

/// The functions of interface `I` for instances of `T`.
#[must_use]
pub const fn vtable<T: 'static, I: ?Sized + Interface + Provides<T>>() -> *const VtableHead {
    std::ptr::from_ref(I::VTABLE).cast()
}

/// Makes an instance of `T`: the `create` of a plugin's table, whose first entry is `provided`.
///
/// # Safety
/// - `arguments` is null or points to the host's arguments, which live during the call.
/// - `provided` has the functions of an interface for instances of `T`.
pub unsafe fn create<T: 'static>(
    arguments: *const CreateArguments,
    provided: &'static ProvidedTable,
    plugin: &'static str,
    life: &'static Life<T>,
) -> Reply<RawObject> {
    // SAFETY: by this function's contract.
    let Some(arguments) = (unsafe { arrived::sized(arguments) }) else {
        let invalid = Invalid::new("arguments for an instance, with their size");
        return Reply::failed(faulty(plugin, Fault::from(invalid)));
    };
    let make = || {
        // SAFETY: by this function's contract the host lends its services during the call.
        let context = unsafe { Context::lent(arguments.host, plugin) }?;
        // SAFETY: as above, for the text.
        let configuration = unsafe { <&str>::from_abi(arguments.configuration) }?;
        forward::install::<T>(&context);
        Ok::<_, Fault>((life.make)(configuration, context))
    };
    let failed = |kind, message| Reply::failed(failure(kind, plugin, Note::of(message)));
    match catch_unwind(AssertUnwindSafe(make)) {
        Ok(Ok(Ok(value))) => Reply::ok(RawObject {
            object: Instance::object(state::CREATED, plugin, Some(life), value),
            vtable: provided.vtable,
        }),
        Ok(Ok(Err(Unmade::Configuration(text)))) => failed(CallErrorKind::Configuration, text),
        Ok(Ok(Err(Unmade::Failed(text)))) => failed(CallErrorKind::Failed, text),
        Ok(Err(fault)) => Reply::failed(faulty(plugin, fault)),
        Err(payload) => Reply::failed(panicked(plugin, payload)),
    }
}

/// Starts an instance: the `start` of a plugin's table.
///
/// # Safety
/// `object` is one that [`create`] made for this `T`, and is referenced during the call.
pub unsafe extern "C" fn start<T: 'static>(object: *const ()) -> Reply<u8> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    if instance.state.load(Ordering::Relaxed) == state::CREATED
        && let Some(life) = instance.life
    {
        // SAFETY: no method has been called yet.
        if let Err(failure) = unsafe { instance.hook(life.start) } {
            return Reply::failed(failure);
        }
        instance.state.store(state::RUNNING, Ordering::Release);
    }
    Reply::ok(0)
}

/// Stops an instance: the `stop` of a plugin's table.
///
/// # Safety
/// As [`start`].
pub unsafe extern "C" fn stop<T: 'static>(object: *const ()) -> Reply<u8> {
    // SAFETY: by this function's contract.
    let instance = unsafe { &*object.cast::<Instance<T>>() };
    instance
        .stop()
        .map_or_else(Reply::failed, |()| Reply::ok(0))
}

/// Makes an object of `value` for interface `I`.
pub(crate) fn object<T, I>(plugin: &'static str, value: T) -> RawObject
where
    T: 'static,
    I: ?Sized + Interface + Provides<T>,
{
    RawObject {
        object: Instance::object(state::RUNNING, plugin, None, value),
        vtable: std::ptr::from_ref(I::VTABLE).cast(),
    }
}

/// Looks at an object, if this very image made it of a `T`.
///
/// # Safety
/// `raw` is an object with its vtable, is referenced during the call, and nobody uses it
/// exclusively meanwhile.
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
    // SAFETY: by this function's contract; nothing takes a wrapper or a proxy whole.
    Some(look(unsafe { instance.value() }))
}

/// The front of the vtable of the interface `I` on `T`.
#[must_use]
pub const fn vtable_head<T: 'static, I: ?Sized + Interface + Provides<T>>() -> VtableHead {
    unsafe extern "C" fn retain<T: 'static>(object: *const ()) {
        // SAFETY: `create` made the object from an Arc, and the caller holds a reference.
        unsafe { Arc::increment_strong_count(object.cast::<Instance<T>>()) };
    }
    unsafe extern "C" fn release<T: 'static>(object: *const ()) -> Reply<u8> {
        // SAFETY: as above; the caller gives its reference up.
        let instance = unsafe { Arc::from_raw(object.cast::<Instance<T>>()) };
        // Of several threads that let go at once, one gets what is left.
        let Some(last) = Arc::into_inner(instance) else {
            return Reply::ok(0);
        };
        let plugin = last.plugin;
        let stopped = last.stop();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(last)));
        match (stopped, dropped) {
            (Ok(()), Ok(())) => Reply::ok(0),
            (Err(failure), Ok(())) => Reply::failed(failure),
            (stopped, Err(payload)) => {
                // One failure can be told: the later one, which loses the author's data.
                if let Err(failure) = stopped {
                    // SAFETY: made just now, and given to nobody.
                    drop(unsafe { CallError::take(failure, "") });
                }
                Reply::failed(panicked(plugin, payload))
            }
        }
    }
    VtableHead {
        size: size_of::<I::Vtable>(),
        interface: I::TABLE,
        image: own::mark(),
        retain: Some(retain::<T>),
        release: Some(release::<T>),
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
    let Some(host) = (unsafe { arrived::sized(host) }) else {
        return std::ptr::null();
    };
    if host.abi != ABI || !host.keep.is_whole() {
        return std::ptr::null();
    }
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
