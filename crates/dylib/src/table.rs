//! Many symbols at once, into a struct.

use crate::error::SymbolError;
use crate::library::Library;
use std::error::Error;
use std::fmt;

/// A struct of functions and data of one library, which are looked up together; to be derived.
///
/// A field is a function pointer, or a `NonNull<T>` for data. In an `Option` it is `None` if there is no such symbol, or if its
/// value is 0. The symbol is called as the field is; `#[symbol("other")]` says another name, and
/// `#[symbol(version = "V2")]` a version. All symbols that are missing are reported together.
///
#[cfg_attr(feature = "derive", doc = "```no_run")]
#[cfg_attr(not(feature = "derive"), doc = "```text")]
/// use plugwright_dylib::{Hints, Library, Request, Symbols};
/// use std::ffi::{c_char, c_ulong};
///
/// /// What is used of zlib.
/// #[derive(Clone, Copy, Debug, Symbols)]
/// pub struct Zlib {
///     #[symbol("zlibVersion")]
///     pub version: unsafe extern "C" fn() -> *const c_char,
///     #[symbol("compressBound")]
///     compress_bound: unsafe extern "C" fn(c_ulong) -> c_ulong,
///     /// Newer than the others.
///     crc32_combine64: Option<unsafe extern "C" fn(c_ulong, c_ulong, i64) -> c_ulong>,
/// }
///
/// // SAFETY: zlib's constructors have no preconditions.
/// let library = unsafe { Library::open(&Request::name("z").with_version("1"), Hints::new()) }?;
/// // SAFETY: these are the types in zlib.h.
/// let zlib = unsafe { Zlib::resolve(&library) }?;
/// // SAFETY: any number is fine.
/// println!("{}, {}", unsafe { (zlib.compress_bound)(1000) }, zlib.crc32_combine64.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A function without `extern` does not compile, because its ABI is that of one compiler:
///
/// ```compile_fail
/// #[derive(plugwright_dylib::Symbols)]
/// struct Table {
///     one: fn() -> i32,
/// }
/// ```
pub trait Symbols: Sized {
    /// Looks all symbols up.
    ///
    /// # Safety
    /// Each function that the library exports under such a name is of exactly the declared type and ABI; if that is not an
    /// `unsafe fn`, every call of it is sound.
    ///
    /// # Errors
    /// With every symbol that is missing, or whose value is 0, and is not optional.
    unsafe fn resolve(library: &Library) -> Result<Self, MissingSymbols>;
}

/// All [`Symbols`] that are needed and that a library does not have.
#[derive(Debug)]
pub struct MissingSymbols(Vec<SymbolError>);

impl MissingSymbols {
    #[cfg(feature = "derive")]
    pub(crate) const fn new(missing: Vec<SymbolError>) -> Self {
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
        let symbols = if self.0.len() == 1 {
            "1 symbol is"
        } else {
            &format!("{} symbols are", self.0.len())
        };
        write!(f, "{symbols} missing")?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl Error for MissingSymbols {}
