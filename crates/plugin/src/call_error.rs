//! Why a call into a plugin gave no value.

use std::fmt;

use plugwright_manifest::schema::{FieldShape, Scalar, Shape};

use crate::abi::{Failure, RawCallError, RawSlice, Reply};
use crate::encoding::{Arena, Decoder, Encoder};
use crate::portable::{Invalid, Portable};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// What kept a call from giving a value. The numbers cross and never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum CallErrorKind {
            $($(#[$doc])* $name = $code,)*
        }

        impl CallErrorKind {
            fn from_code(code: u32) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Unknown,
                }
            }

            fn verb(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A failure of a kind that this version does not know.
    Unknown = 0, "failed in an unknown way";
    /// The plugin panicked in this very call.
    Panicked = 1, "panicked";
    /// The plugin panicked in an earlier call: the instance is not used again.
    Poisoned = 2, "is poisoned by an earlier panic";
    /// The plugin was stopped.
    Stopped = 3, "was stopped";
    /// The plugin was restarted: this handle's instance is gone.
    Restarted = 4, "was restarted";
    /// The plugin's process ended.
    Crashed = 5, "crashed";
    /// The call's deadline passed.
    TimedOut = 6, "timed out";
    /// The plugin does not have this method.
    Unsupported = 7, "does not support the call";
    /// The instance is already being used exclusively.
    Reentrant = 8, "was entered again";
    /// A value that crossed is none of its type.
    Invalid = 9, "sent or got an invalid value";
    /// The caller did not want the result any more.
    Cancelled = 10, "was told that nobody waits";
    /// The configuration that the host has for the plugin is none that it takes.
    Configuration = 11, "cannot use its configuration";
    /// The plugin's constructor, start or stop says that it failed.
    Failed = 12, "failed";
    /// A future was polled again after it had given its value, or failed.
    Completed = 13, "was polled for what it gave before";
}

/// A failure of a call itself, as opposed to an error that the method returns.
///
/// A method that returns `Result<_, E>` with `E: From<CallError>` delivers it as `E`; every
/// method has a `try_NAME` on the handle that returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    kind: CallErrorKind,
    plugin: String,
    method: String,
    message: String,
    location: String,
}

impl CallError {
    /// A failure of `kind`, in `method` of `plugin`.
    pub(crate) fn new(kind: CallErrorKind, method: &str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            plugin: String::new(),
            method: method.to_owned(),
            message: message.into(),
            location: String::new(),
        }))
    }

    /// A value that crossed is none of its type.
    #[cold]
    pub(crate) fn invalid(method: &str, invalid: Invalid) -> Self {
        Self::new(CallErrorKind::Invalid, method, invalid.to_string())
    }

    /// The plugin was built before the method was added, which has no default body.
    #[cold]
    #[doc(hidden)]
    #[must_use]
    pub fn unsupported(method: &str) -> Self {
        let message = "it was built before the method was added to the interface";
        Self::new(CallErrorKind::Unsupported, method, message)
    }

    /// What a call fails with that cannot be carried, since the side that it is for is gone: for
    /// who implements [`Link`](crate::remote::Link). The message says what was noticed.
    #[cold]
    #[must_use]
    pub fn crashed(message: impl Into<String>) -> Self {
        Self::new(CallErrorKind::Crashed, "", message)
    }

    /// Somebody else uses the object in a way that allows no other.
    #[cold]
    pub(crate) fn reentrant(plugin: &str) -> Self {
        let message = "a method that takes `&mut self` or `self: Box<Self>` needs it alone";
        let mut error = Self::new(CallErrorKind::Reentrant, "", message);
        plugin.clone_into(&mut error.0.plugin);
        error
    }

    /// A future is polled while it is being polled.
    #[cold]
    pub(crate) fn polled_by_two() -> Self {
        let message = "a future is polled by one at a time";
        Self::new(CallErrorKind::Reentrant, "", message)
    }

    /// A future is polled again.
    #[cold]
    pub(crate) fn completed() -> Self {
        let message = "the future gave its value, or failed, before";
        Self::new(CallErrorKind::Completed, "", message)
    }

    /// What happened, for decisions.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.0.kind
    }

    /// The plugin's id; empty when the plugin did not get so far as to say it.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.0.plugin
    }

    /// The method that was called, as `Trait::method`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// What the plugin said: the message of a panic, for instance. It is the plugin's own
    /// text; escape it before it is shown.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where a panic happened, as `file:line:column`. Empty when it is not known, as for a
    /// plugin that is linked into its host: there the host's own panic hook tells.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.0.location
    }

    /// The failure as bytes, for a connection that carries it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Encoder::new(None);
        self.clone().encode(&mut out);
        // Numbers and texts are never refused.
        out.finish().map(|(bytes, _)| bytes).unwrap_or_default()
    }

    /// The failure that [`CallError::to_bytes`] wrote; what is none is a failure of the kind
    /// `Invalid`.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let arena = Arena::default();
        // SAFETY: a failure borrows nothing.
        unsafe { Self::decode(&mut Decoder::new(bytes, &arena, None)) }
            .unwrap_or_else(|invalid| Self::invalid("", invalid))
    }

    /// Takes a failure over.
    ///
    /// # Safety
    /// `failure` was returned by a plugin's function just now and is not used again.
    #[cold]
    pub(crate) unsafe fn take(failure: *mut Failure, method: &str) -> Self {
        if !failure.is_aligned() {
            return Self::invalid(method, Invalid::new(&"a failure, or null"));
        }
        // SAFETY: not null (the caller saw that), and owned by us until it is released.
        let raw = unsafe { &*failure };
        // SAFETY: a failure's texts live as long as it does, and it is released below.
        let message = unsafe { text(raw.message) };
        // SAFETY: as above.
        let file = unsafe { text(raw.file) };
        // SAFETY: as above.
        let plugin = unsafe { text(raw.plugin) };
        // A file without a line is a whole location, or empty.
        let location = if raw.line == 0 {
            file
        } else {
            format!("{file}:{}:{}", raw.line, raw.column)
        };
        let error = Self(Box::new(Inner {
            kind: CallErrorKind::from_code(raw.kind),
            plugin,
            method: method.to_owned(),
            message,
            location,
        }));
        if let Some(release) = raw.release {
            // SAFETY: released once, by the side that made it; nothing of it was kept.
            unsafe { release(failure) };
        }
        error
    }
}

/// Copies a text that need not be UTF-8.
///
/// # Safety
/// The slice's bytes can be read.
unsafe fn text(raw: RawSlice) -> String {
    if raw.pointer.is_null() || isize::try_from(raw.length).is_err() {
        return String::new();
    }
    // SAFETY: by this function's contract; null and impossible lengths were told apart above.
    let bytes = unsafe { std::slice::from_raw_parts(raw.pointer, raw.length) };
    String::from_utf8_lossy(bytes).into_owned()
}

impl<A: Copy> Reply<A> {
    /// The value of the reply to `method`, or why there is none.
    ///
    /// # Errors
    /// When the reply carries a failure, or a value that is none of `T`.
    ///
    /// # Safety
    /// The reply was returned by a plugin's function just now, which declares `T`.
    #[inline]
    pub unsafe fn take<T: Portable<Abi = A>>(self, method: &'static str) -> Result<T, CallError> {
        if !self.failure.is_null() {
            // SAFETY: by this function's contract.
            return Err(unsafe { CallError::take(self.failure, method) });
        }
        // SAFETY: the value is initialised when there is no failure.
        let value = unsafe { self.value.assume_init() };
        // SAFETY: by this function's contract, it is the Abi of a `T`.
        unsafe { T::from_abi(value) }.map_err(|invalid| CallError::invalid(method, invalid))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            plugin,
            method,
            message,
            location,
        } = &*self.0;
        if plugin.is_empty() {
            f.write_str("the plugin")?;
        } else {
            write!(f, "plugin {plugin}")?;
        }
        write!(f, " {}", kind.verb())?;
        if !method.is_empty() {
            write!(f, " in {method}")?;
        }
        if !location.is_empty() {
            write!(f, " at {location}")?;
        }
        if !message.is_empty() {
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallError")
            .field("kind", &self.0.kind)
            .field("plugin", &self.0.plugin)
            .field("method", &self.0.method)
            .field("message", &self.0.message)
            .field("location", &self.0.location)
            .finish()
    }
}

impl std::error::Error for CallError {}

// SAFETY: SHAPE lists the fields of `RawCallError` in order. The kind crosses as a number,
// so that a kind which the other side does not know is `Unknown` there.
unsafe impl Portable for CallError {
    type Abi = RawCallError;

    const SHAPE: &'static Shape = &Shape::Struct(
        "CallError",
        &[
            FieldShape {
                name: "kind",
                shape: &Shape::Scalar(Scalar::U32),
            },
            FieldShape {
                name: "plugin",
                shape: &Shape::Scalar(Scalar::String),
            },
            FieldShape {
                name: "method",
                shape: &Shape::Scalar(Scalar::String),
            },
            FieldShape {
                name: "message",
                shape: &Shape::Scalar(Scalar::String),
            },
            FieldShape {
                name: "location",
                shape: &Shape::Scalar(Scalar::String),
            },
        ],
    );

    fn into_abi(self) -> RawCallError {
        let inner = *self.0;
        RawCallError {
            kind: inner.kind as u32,
            plugin: inner.plugin.into_abi(),
            method: inner.method.into_abi(),
            message: inner.message.into_abi(),
            location: inner.location.into_abi(),
        }
    }

    unsafe fn from_abi(abi: RawCallError) -> Result<Self, Invalid> {
        // SAFETY: by this function's contract, each part is a String's Abi.
        let plugin = unsafe { String::from_abi(abi.plugin) };
        // SAFETY: as above.
        let method = unsafe { String::from_abi(abi.method) };
        // SAFETY: as above.
        let message = unsafe { String::from_abi(abi.message) };
        // SAFETY: as above.
        let location = unsafe { String::from_abi(abi.location) };
        Ok(Self(Box::new(Inner {
            kind: CallErrorKind::from_code(abi.kind),
            plugin: plugin?,
            method: method?,
            message: message?,
            location: location?,
        })))
    }

    fn encode(self, out: &mut Encoder<'_>) {
        let inner = *self.0;
        (inner.kind as u32).encode(out);
        let texts = [inner.plugin, inner.method, inner.message, inner.location];
        texts.encode(out);
    }

    unsafe fn decode(input: &mut Decoder<'_>) -> Result<Self, Invalid> {
        // SAFETY: these borrow nothing.
        let (kind, texts) = unsafe { <(u32, [String; 4])>::decode(input) }?;
        let [plugin, method, message, location] = texts;
        Ok(Self(Box::new(Inner {
            kind: CallErrorKind::from_code(kind),
            plugin,
            method,
            message,
            location,
        })))
    }
}
