//! The plugin's side of a call: objects, the panic boundary, and what becomes of a panic.
//!
//! The invariants: no panic leaves a function that the host calls; an object's methods are
//! run only between its start and its stop, and not after one of them panicked; the
//! plugin's panic message is printed only when no boundary took it to the host.

mod call;
mod fault;
mod note;
mod part;

use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};

use plugwright_manifest::schema::Receiver;

use crate::abi::{
    ABI, CreateArguments, Failure, HostTable, PluginTable, ProvidedTable, RawObject, RawSlice,
    Reply, VtableHead,
};
use crate::context::Context;
use crate::interface::{Interface, Provides};
use crate::life::{Life, PluginError, Unmade, text_of};
use crate::own;
use crate::portable::{Invalid, Portable};
use crate::remote::invoke;
use crate::{CallError, CallErrorKind, arrived, forward};
pub use call::{Exclusive, Object, call};
use fault::Cause;
pub use fault::Fault;
use note::{Note, note_panic, take_note};
pub(crate) use part::{Owner, drop_of, part_of};

/// An object as its vtables see it.
#[repr(C)]
struct Instance<T: 'static> {
    /// First, so that it can be read of every object that this image made.
    head: Head,
    /// What is run at the start and at the stop of an instance of a plugin.
    life: Option<&'static Life<T>>,
    /// Gone when the state is `CONSUMED`.
    value: UnsafeCell<ManuallyDrop<T>>,
}

/// What all objects begin with, whatever they are. What looks at no more of an object is compiled
/// once, and not for each type and method.
#[repr(C)]
struct Head {
    /// First, and 32 bits: what each call looks at is found without an offset, and told by the
    /// shortest instructions that there are. A method that adds takes 16 bytes of x86-64 with it,
    /// which never lie in two lines of the cache; one more could cost a cycle, by chance.
    state: AtomicU32,
    /// Who uses the object by number: see [`Using`].
    users: AtomicU32,
    class: TypeId,
    /// How many hold the object: the last to let go drops it.
    references: AtomicUsize,
    plugin: &'static str,
}

/// The states of an object. One comparison with `RUNNING` is all that a call costs.
///
/// That only one caller uses an object exclusively is not for the state to say: whoever may
/// call such a method has the only handle there is, and has borrowed it exclusively. What
/// `BUSY` and `CONSUMED` tell is who broke that rule on the same thread.
mod state {
    pub(super) const RUNNING: u32 = 0;
    pub(super) const CREATED: u32 = 1;
    pub(super) const POISONED: u32 = 2;
    pub(super) const STOPPED: u32 = 3;
    /// A method that takes `&mut self` is running.
    pub(super) const BUSY: u32 = 4;
    /// A method took the object whole.
    pub(super) const CONSUMED: u32 = 5;
}

impl Head {
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
    fn hook(&self, hook: &mut Hook<'_>) -> Result<(), *mut Failure> {
        match catch_unwind(AssertUnwindSafe(|| hook().map_err(text_of))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(failure(
                CallErrorKind::Failed,
                self.plugin,
                Note::of(message),
            )),
            Err(payload) => Err(panicked(self.plugin, payload)),
        }
    }

    /// Starts the instance with its hook, when it is new.
    fn start(&self, hook: &mut Hook<'_>) -> Reply<u8> {
        if self.state.load(Ordering::Relaxed) == state::CREATED {
            if let Err(failure) = self.hook(hook) {
                return Reply::failed(failure);
            }
            self.state.store(state::RUNNING, Ordering::Release);
        }
        Reply::ok(0)
    }

    /// Stops the instance with its hook, when it runs.
    fn stop(&self, hook: &mut Hook<'_>) -> Result<(), *mut Failure> {
        // AcqRel: of two threads that stop it, one runs the hook.
        let was = self.state.compare_exchange(
            state::RUNNING,
            state::STOPPED,
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        match was {
            Ok(_) => self.hook(hook),
            Err(state::BUSY) => Err(not_running(self.plugin, state::BUSY)),
            Err(_) => Ok(()),
        }
    }

    /// Gives one reference up, and says whether it was the last: then nobody else has the object,
    /// and all that was done with it is seen.
    #[inline]
    fn is_last(&self) -> bool {
        // Who has the only reference has it alone: nobody else could add one. Looking costs less
        // than a locked instruction, and most objects never have a second reference.
        if self.references.load(Ordering::Acquire) == 1 {
            return true;
        }
        if self.references.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        // As `Arc` does it: what others did before they let go happened before what comes now.
        fence(Ordering::Acquire);
        true
    }
}

/// A hook of a plugin's [`Life`] on its instance.
type Hook<'a> = dyn FnMut() -> Result<(), PluginError> + 'a;

impl<T: 'static> Instance<T> {
    /// An object with one reference.
    #[inline]
    fn object(
        state: u32,
        plugin: &'static str,
        life: Option<&'static Life<T>>,
        value: T,
    ) -> *const () {
        Box::into_raw(Box::new(Self {
            head: Head {
                state: AtomicU32::new(state),
                users: AtomicU32::new(0),
                class: TypeId::of::<T>(),
                references: AtomicUsize::new(1),
                plugin,
            },
            life,
            value: UnsafeCell::new(ManuallyDrop::new(value)),
        }))
        .cast_const()
        .cast()
    }

    /// # Safety
    /// No method has the value exclusively, and none took it whole.
    #[inline]
    unsafe fn value(&self) -> &T {
        // SAFETY: by this function's contract.
        unsafe { &*self.value.get() }
    }

    /// Stops the instance, when it runs.
    #[inline]
    fn stop(&self) -> Result<(), *mut Failure> {
        match self.life {
            // SAFETY: the hook is run where it was running, and nobody calls it exclusively then.
            Some(life) => self.head.stop(&mut || (life.stop)(unsafe { self.value() })),
            None if self.head.state.load(Ordering::Relaxed) == state::BUSY => {
                Err(not_running(self.head.plugin, state::BUSY))
            }
            None => Ok(()),
        }
    }
}

impl<T: 'static> Drop for Instance<T> {
    fn drop(&mut self) {
        if *self.head.state.get_mut() != state::CONSUMED {
            // SAFETY: the value is still there, and goes with the object.
            unsafe { ManuallyDrop::drop(self.value.get_mut()) };
        }
    }
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
    /// `object` is one of this image, and is referenced during `'a`.
    pub(crate) unsafe fn enter(object: *const (), receiver: Receiver) -> Result<Self, CallError> {
        // SAFETY: by this function's contract; every object begins with its head.
        let head = unsafe { &*object.cast::<Head>() };
        let users = &head.users;
        let all = if receiver == Receiver::Shared {
            1
        } else {
            Self::EXCLUSIVELY
        };
        let with = |users: u32| users.checked_add(all);
        match users.fetch_update(Ordering::Acquire, Ordering::Relaxed, with) {
            Ok(_) => Ok(Self { users, all }),
            Err(_) => Err(CallError::reentrant(head.plugin)),
        }
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.users.fetch_sub(self.all, Ordering::Release);
    }
}

#[cold]
fn not_running(plugin: &'static str, now: u32) -> *mut Failure {
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
    match fault.into_cause() {
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
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|payload| Err(Fault::panicked(payload)))
}

/// Runs what belongs to no object, so that no panic leaves it.
pub(crate) fn guarded<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, CallError> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(match fault.into_cause() {
            Cause::Call(error) => error,
            Cause::Invalid(invalid) => CallError::invalid("", invalid),
            other => {
                let failure = faulty(own::plugin(), Fault::of(other));
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
    } else if let Some(error) = payload.downcast_ref::<CallError>() {
        // What a call of another object raised.
        error.to_string()
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
    let mut make = |configuration: &str, context: Context| {
        forward::install::<T>(&context);
        let value = (life.make)(configuration, context)?;
        Ok(RawObject {
            object: Instance::object(state::CREATED, plugin, Some(life), value),
            vtable: provided.vtable,
        })
    };
    // SAFETY: by this function's contract.
    unsafe { created(arguments, plugin, &mut make) }
}

/// # Safety
/// `arguments` is null or points to the host's arguments, which live during the call.
unsafe fn created(
    arguments: *const CreateArguments,
    plugin: &'static str,
    make: &mut dyn FnMut(&str, Context) -> Result<RawObject, Unmade>,
) -> Reply<RawObject> {
    // SAFETY: by this function's contract.
    let Some(arguments) = (unsafe { arrived::sized(arguments) }) else {
        let invalid = Invalid::new(&"arguments for an instance, with their size");
        return Reply::failed(faulty(plugin, Fault::from(invalid)));
    };
    let whole = || {
        // SAFETY: by this function's contract the host lends its services during the call.
        let context = unsafe { Context::lent(arguments.host, plugin) }?;
        // SAFETY: as above, for the text.
        let configuration = unsafe { <&str>::from_abi(arguments.configuration) }?;
        Ok::<_, Fault>(make(configuration, context))
    };
    let failed = |kind, message| Reply::failed(failure(kind, plugin, Note::of(message)));
    match catch_unwind(AssertUnwindSafe(whole)) {
        Ok(Ok(Ok(object))) => Reply::ok(object),
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
    match instance.life {
        // SAFETY: no method has been called yet.
        Some(life) => instance
            .head
            .start(&mut || (life.start)(unsafe { instance.value() })),
        None => Reply::ok(0),
    }
}

/// Stops an instance: the `stop` of a plugin's table.
///
/// # Safety
/// As [`start`].
pub unsafe extern "C" fn stop<T: 'static>(object: *const ()) -> Reply<u8> {
    // SAFETY: by this function's contract.
    match unsafe { &*object.cast::<Instance<T>>() }.stop() {
        Ok(()) => Reply::ok(0),
        Err(failure) => Reply::failed(failure),
    }
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
    // SAFETY: an object of this image is an `Instance`, which begins with its head.
    let own = unsafe { &*raw.object.cast::<Head>() };
    if own.class != TypeId::of::<T>() {
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
    unsafe extern "C" fn release<T: 'static>(object: *const ()) -> Reply<u8> {
        let object = object.cast::<Instance<T>>().cast_mut();
        // SAFETY: the caller has a reference to an object of this type, and gives it up.
        if !unsafe { &*object }.head.is_last() {
            return Reply::ok(0);
        }
        // SAFETY: `Instance::object` made it of a box, and nobody else has it any more.
        let last = unsafe { Box::from_raw(object) };
        let plugin = last.head.plugin;
        let stopped = last.stop();
        let mut last = Some(last);
        released(plugin, stopped, &mut || drop(last.take()))
    }
    VtableHead {
        size: size_of::<I::Vtable>(),
        interface: I::TABLE,
        image: own::mark(),
        retain: Some(retain),
        release: Some(release::<T>),
        invoke: Some(invoke::<T, I>),
    }
}

/// The `retain` of every vtable.
unsafe extern "C" fn retain(object: *const ()) {
    // SAFETY: the caller has a reference to an object of this image, which begins with its head.
    let head = unsafe { &*object.cast::<Head>() };
    // Relaxed: who has a reference already sees the object. As `Arc` does it, what could overflow
    // ends the process: so many references are only lost ones.
    if head.references.fetch_add(1, Ordering::Relaxed) > isize::MAX.cast_unsigned() {
        std::process::abort();
    }
}

/// Drops an object behind the panic boundary.
#[inline]
fn released(
    plugin: &'static str,
    stopped: Result<(), *mut Failure>,
    drop: &mut dyn FnMut(),
) -> Reply<u8> {
    match (stopped, catch_unwind(AssertUnwindSafe(drop))) {
        (Ok(()), Ok(())) => Reply::ok(0),
        (Err(failure), Ok(())) => Reply::failed(failure),
        (stopped, Err(payload)) => {
            // One failure can be told: the later one, which loses the author's data.
            if let Err(failure) = stopped {
                // SAFETY: made just now, and given to nobody.
                std::mem::drop(unsafe { CallError::take(failure, "") });
            }
            Reply::failed(panicked(plugin, payload))
        }
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
