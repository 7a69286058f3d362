//! Many symbols at once, into a struct.

use crate::error::SymbolError;
use std::error::Error;
use std::fmt;

/// Declares a struct of functions and looks them all up at once.
///
/// A field is `name: type = c"symbol"`; with `optional` before the symbol, the field is an `Option`, and `None` if there is
/// no such symbol. All symbols that are missing are reported together.
///
/// ```no_run
/// use plugwright_dylib::{Hints, Library, Request};
/// use std::ffi::{c_char, c_ulong};
///
/// plugwright_dylib::symbols! {
///     /// What is used of zlib.
///     pub struct Zlib {
///         /// Its version.
///         pub version: unsafe extern "C" fn() -> *const c_char = c"zlibVersion",
///         compress_bound: unsafe extern "C" fn(c_ulong) -> c_ulong = c"compressBound",
///         crc32_combine: unsafe extern "C" fn(c_ulong, c_ulong, i64) -> c_ulong = optional c"crc32_combine64",
///     }
/// }
///
/// // SAFETY: zlib's constructors have no preconditions.
/// let library = unsafe { Library::open(&Request::name("z").with_version("1"), Hints::new()) }?;
/// // SAFETY: these are the types in zlib.h.
/// let zlib = unsafe { Zlib::resolve(&library) }?;
/// // SAFETY: any number is fine.
/// println!("{}, {}", unsafe { (zlib.compress_bound)(1000) }, zlib.crc32_combine.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! symbols {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident : $type:ty = $($kind:ident)? $symbol:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $crate::symbols!(@type $($kind)? : $type),)+
        }

        impl $name {
            /// Looks all symbols up.
            ///
            /// # Safety
            /// Each symbol that the library exports is a function of exactly the declared type and ABI; if that is not an
            /// `unsafe fn`, every call of it is sound.
            ///
            /// # Errors
            /// With every symbol that is missing, or whose value is 0, and is not optional.
            $vis unsafe fn resolve(library: &$crate::Library) -> ::core::result::Result<Self, $crate::MissingSymbols> {
                let mut missing = ::std::vec::Vec::new();
                $(
                    // SAFETY: the caller vouches for the type of each symbol.
                    let $field = unsafe { library.function::<$type>($symbol) };
                    let $field = $crate::symbols!(@take $($kind)? : $field, missing);
                )+
                let ($(::core::option::Option::Some($field),)+) = ($($field,)+) else {
                    return ::core::result::Result::Err($crate::MissingSymbols::new(missing));
                };
                ::core::result::Result::Ok(Self { $($field),+ })
            }
        }
    };
    (@type : $type:ty) => { $type };
    (@type optional : $type:ty) => { ::core::option::Option<$type> };
    (@take : $result:ident, $missing:ident) => { $result.map_err(|error| $missing.push(error)).ok() };
    (@take optional : $result:ident, $missing:ident) => { ::core::option::Option::Some($result.ok()) };
}

/// All symbols that a struct of [`symbols!`](crate::symbols!) needs and that a library does not have.
#[derive(Debug)]
pub struct MissingSymbols(Vec<SymbolError>);

impl MissingSymbols {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(missing: Vec<SymbolError>) -> Self {
        Self(missing)
    }

    /// Why each was not handed out, in the order of the fields.
    #[must_use]
    pub fn errors(&self) -> &[SymbolError] {
        &self.0
    }
}

impl fmt::Display for MissingSymbols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the symbols are missing", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl Error for MissingSymbols {}
