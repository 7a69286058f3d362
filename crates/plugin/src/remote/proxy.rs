//! What stands for an object of the other side: a vtable's functions encode and send.

use std::fmt;
use std::sync::Arc;

use plugwright_manifest::schema::{InterfaceShape, Shape};

use super::connection::{KeptLink, Link, crossing, raw};
use super::description::{self, DESCRIBE};
use super::handover::{Handed, Handover};
use super::invoked::{REQUIRED, time_left};
use super::invoking::{Object, result_of};
use crate::abi::{KeepAlive, RawInterface, RawLink, RawObject, VtableHead};
use crate::encoding::{Arena, Decoder, Encoder, Lent};
use crate::instance::{self, Fault};
use crate::interface::{Interface, Provides};
use crate::portable::{Invalid, Portable};
use crate::{CallError, CallErrorKind, Handle, own};

/// An object of the other side, as an object of this one.
pub struct Proxy {
    link: KeptLink,
    number: u64,
    /// The interface as which the other side knows the object.
    interface: &'static InterfaceShape,
    /// The vtable that it has here: with what the object has.
    vtable: *const VtableHead,
}

impl Proxy {
    /// # Safety
    /// The connection is kept by somebody meanwhile, and one reference to the object is the
    /// proxy's from now on.
    unsafe fn new<I: ?Sized + Interface>(
        link: &RawLink,
        number: u64,
        vtable: *const VtableHead,
    ) -> Self {
        Self {
            // SAFETY: by this function's contract.
            link: unsafe { KeptLink::retained(link) },
            number,
            interface: I::SHAPE,
            vtable,
        }
    }

    /// The vtable that it has here.
    pub(super) fn vtable(&self) -> *const VtableHead {
        self.vtable
    }

    /// The number of a method of the object's interface, or of one that this requires.
    fn method(&self, interface: &InterfaceShape, method: u32) -> Result<u32, Fault> {
        if interface.id == self.interface.id {
            return Ok(method);
        }
        let mut required = (1..).zip(self.interface.requires);
        match required.find(|(_, required)| required.id == interface.id) {
            Some((place, _)) => Ok(place << REQUIRED | method),
            None => Err(CallError::unsupported(interface.id).into()),
        }
    }

    /// Begins a call of a method that is `method` in `interface`, with a result of type `R`.
    ///
    /// # Errors
    /// When no call of it can be sent.
    pub fn message<R: Portable>(
        &self,
        interface: &'static InterfaceShape,
        method: u32,
    ) -> Result<Message<'_>, Fault> {
        self.message_of(interface, method, R::SHAPE)
    }

    fn message_of(
        &self,
        interface: &'static InterfaceShape,
        method: u32,
        result: &Shape,
    ) -> Result<Message<'_>, Fault> {
        // A result that borrows would borrow from the bytes, which go.
        if !result.is_owned() {
            let local = "its result borrows from the object, so it cannot be called from elsewhere";
            return Err(CallError::new(CallErrorKind::Unsupported, "", local).into());
        }
        Ok(Message {
            proxy: self,
            method: self.method(interface, method)?,
            out: Encoder::new(Some(&self.link)),
        })
    }
}

/// A call of an object of the other side: its arguments are encoded in order, and it is sent.
#[derive(Debug)]
pub struct Message<'a> {
    proxy: &'a Proxy,
    method: u32,
    out: Encoder<'a>,
}

impl<'a> Message<'a> {
    /// Where the next argument is encoded.
    pub fn arguments(&mut self) -> &mut Encoder<'a> {
        &mut self.out
    }

    /// Sends the call and decodes its result.
    ///
    /// # Errors
    /// When the call fails, or what it gives is no `R`.
    ///
    /// # Safety
    /// `R` is the type that the message was begun with. What the arguments borrow is lent until
    /// this returns.
    pub unsafe fn send<R: Portable>(self) -> Result<R::Abi, Fault> {
        let link: &RawLink = &self.proxy.link;
        let (bytes, lent) = self.exchange()?;
        let arena = Arena::default();
        let (handover, values) = Handover::arrived(link, &bytes)?;
        let mut reply = Decoder::new(values, &arena, Some(&handover));
        // SAFETY: the result borrows nothing: that was seen when the message was begun.
        let result = unsafe { R::decode(&mut reply) }?;
        // SAFETY: by this function's contract.
        unsafe { reply.fill(&lent) }?;
        Ok(result.into_abi())
    }

    /// Sends the arguments: the reply, and what it fills.
    fn exchange(self) -> Result<(Vec<u8>, Vec<Lent>), Fault> {
        let link: &RawLink = &self.proxy.link;
        let (input, lent) = self.out.finish()?;
        let mut output = std::mem::MaybeUninit::uninit();
        // SAFETY: the connection is kept; input and output live as long as the call.
        let status = unsafe {
            (link.call)(
                link.keep.context,
                self.proxy.number,
                self.method,
                input.as_slice().into_abi(),
                crossing(time_left()),
                output.as_mut_ptr(),
            )
        };
        // SAFETY: the output is always written.
        let output = unsafe { output.assume_init() };
        // SAFETY: by the function that returned the status.
        Ok((unsafe { result_of(status, output) }?, lent))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // SAFETY: the connection is kept until after this.
        unsafe { (self.link.release)(self.link.keep.context, self.number) };
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A proxy for an object of the other side that has so many methods, one reference to which it
/// takes over.
fn proxy<I: ?Sized + Interface + Provides<Proxy>>(
    link: &RawLink,
    number: u64,
    has: Vec<usize>,
) -> RawInterface {
    let vtable = description::vtable::<I>(has);
    // SAFETY: whoever lends the connection keeps it; the message handed a reference over.
    let proxy = unsafe { Proxy::new::<I>(link, number, vtable) };
    let RawObject { object, .. } = instance::object::<Proxy, I>(own::plugin(), proxy);
    RawInterface {
        object: RawObject { object, vtable },
        keep: own::keep().into_raw(),
    }
}

/// A proxy for an object of the other side, of which the message says next what it has.
///
/// # Errors
/// When it is of another interface: the reference that the message handed over is given up.
pub(crate) fn arrived<I: ?Sized + Interface + Provides<Proxy>>(
    link: &RawLink,
    number: u64,
    input: &mut Decoder<'_>,
) -> Result<RawInterface, Invalid> {
    match description::read(I::SHAPE, input) {
        Ok(has) => Ok(proxy::<I>(link, number, has)),
        Err(invalid) => {
            // SAFETY: whoever lends the connection keeps it.
            unsafe { (link.release)(link.keep.context, number) };
            Err(invalid)
        }
    }
}

/// Gives an object to the other side: whose it is, and its number. One that has a
/// single handle does not go home, where another call might still use it, nor one that is seen as
/// an interface which its own requires: it is called through here then.
///
/// # Safety
/// `raw` is an object of `I` that is given away here.
pub(crate) unsafe fn give<I: ?Sized + Interface>(link: &RawLink, raw: RawInterface) -> Handed {
    let theirs = |proxy: &Proxy| {
        let same = !I::SHAPE.is_exclusive()
            && proxy.interface.id == I::ID
            && proxy.link.keep.context == link.keep.context;
        same.then_some(proxy.number)
    };
    // SAFETY: the object is referenced until it is given away below; a proxy is never used
    // exclusively.
    let number = unsafe { instance::at_home::<Proxy, _>(raw.object, theirs) };
    match number.flatten() {
        Some(number) => {
            // SAFETY: whoever lends the connection keeps it. The proxy, whose reference is
            // given up after this, keeps the object there until the message is under way.
            unsafe { (link.retain)(link.keep.context, number) };
            // SAFETY: by this function's contract.
            drop(unsafe { Object::from_raw(raw) });
            Handed {
                mine: false,
                number,
            }
        }
        None => Handed {
            mine: true,
            // SAFETY: by this function's contract; the connection as above.
            number: unsafe { (link.export)(link.keep.context, raw) },
        },
    }
}

/// Why an interface's objects cannot be called over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotRemotable {
    /// The interface's id.
    pub interface: &'static str,
    /// The methods that need shared memory.
    pub methods: Vec<&'static str>,
}

impl fmt::Display for NotRemotable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} can be used in this process only: its methods {} give or take what is borrowed \
             and cannot be sent",
            self.interface,
            self.methods.join(", ")
        )
    }
}

impl std::error::Error for NotRemotable {}

impl NotRemotable {
    fn check(shape: &'static InterfaceShape) -> Result<(), Self> {
        let required = shape.requires.iter().flat_map(|required| required.methods);
        let all = shape.methods.iter().chain(required);
        let local = all.filter(|method| !shape.is_remotable(method));
        let methods: Vec<_> = local.map(|method| method.name).collect();
        if methods.is_empty() {
            return Ok(());
        }
        Err(Self {
            interface: shape.id,
            methods,
        })
    }
}

/// Why there is no handle for an object on the other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteError {
    /// The interface cannot be called over a connection at all.
    NotRemotable(NotRemotable),
    /// The object was asked what it has: the connection failed, or it is of another interface.
    Call(CallError),
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRemotable(error) => error.fmt(f),
            Self::Call(error) => write!(f, "the object on the other side cannot be used: {error}"),
        }
    }
}

impl std::error::Error for RemoteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotRemotable(error) => Some(error),
            Self::Call(error) => Some(error),
        }
    }
}

/// How many methods an object of the other side has, of `T` and of what that requires.
fn asked<T: ?Sized + Interface>(link: &dyn Link, number: u64) -> Result<Vec<usize>, CallError> {
    let said = link.call(number, DESCRIBE, &[], time_left())?;
    let arena = Arena::default();
    let has = description::read(T::SHAPE, &mut Decoder::new(&said, &arena, None));
    has.map_err(|invalid| CallError::invalid("", invalid))
}

impl<T: ?Sized + Interface + Provides<Proxy>> Handle<T> {
    /// A handle for an object on the other side of `link`, which has it under this number;
    /// one reference to it is the handle's from now on. The other side is asked what the object
    /// has: methods that were added after it was built are answered by their default bodies here.
    ///
    /// # Errors
    /// When a method of the interface needs shared memory: which. When the object cannot be asked,
    /// or is of another interface. The reference is given up then.
    pub fn remote(link: Arc<dyn Link>, number: u64) -> Result<Self, RemoteError> {
        let has = NotRemotable::check(T::SHAPE)
            .map_err(RemoteError::NotRemotable)
            .and_then(|()| asked::<T>(&*link, number).map_err(RemoteError::Call));
        let has = match has {
            Ok(has) => has,
            Err(error) => {
                link.release(number);
                return Err(error);
            }
        };
        let link = raw(link);
        let raw = proxy::<T>(&link, number, has);
        // SAFETY: the reference that `raw` made is given up once; the proxy has its own.
        drop(unsafe { KeepAlive::from_raw(link.keep) });
        // SAFETY: made just now.
        let keep = unsafe { KeepAlive::from_raw(raw.keep) };
        // SAFETY: as above, with a vtable of this very interface.
        Ok(unsafe { Self::of_own_vtable(raw.object, keep) })
    }
}

impl<T: ?Sized + Interface + Send + Sync> Handle<T> {
    /// The object behind the handle, for a connection to hand about.
    #[must_use]
    pub fn into_object(self) -> Object {
        // SAFETY: another reference, made just now; the object may be used by any thread. When
        // it has a single handle, that is gone: it is called by number only from now on.
        unsafe { Object::from_raw(self.to_raw()) }
    }
}
