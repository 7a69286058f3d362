//! Looking symbols up, and what to say when one is not there.

use crate::error::SymbolError;
use crate::open::Loaded;
use crate::os;
use std::ffi::{CStr, CString, c_void};
use std::ptr::NonNull;

/// The name of a symbol, with or without a version.
///
/// `c"name".into()` has none: the library's default version is found then. A version is what follows `@` in what `nm -D`
/// prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolName<'a> {
    pub(crate) name: &'a CStr,
    pub(crate) version: Option<&'a CStr>,
}

impl<'a> SymbolName<'a> {
    /// A symbol of a certain version. Versions exist with glibc and on FreeBSD; elsewhere such a symbol is missing.
    /// glibc takes any version for a symbol of a library that has no versions at all.
    #[must_use]
    pub const fn versioned(name: &'a CStr, version: &'a CStr) -> Self {
        Self {
            name,
            version: Some(version),
        }
    }
}

impl<'a> From<&'a CStr> for SymbolName<'a> {
    fn from(name: &'a CStr) -> Self {
        Self {
            name,
            version: None,
        }
    }
}

impl<'a> From<&'a CString> for SymbolName<'a> {
    fn from(name: &'a CString) -> Self {
        name.as_c_str().into()
    }
}

/// The address of a symbol; `None` if its value is 0.
pub(crate) fn address(
    library: &Loaded,
    symbol: SymbolName<'_>,
) -> Result<Option<NonNull<c_void>>, SymbolError> {
    let address = os::symbol(library.handle, symbol.name, symbol.version);
    address.map(NonNull::new).map_err(|text| {
        let exported = os::anchor(library.handle)
            .map(os::exported)
            .unwrap_or_default();
        let defined = library
            .identity()
            .map(|identity| os::defined(&library.path, identity));
        let local = local(symbol, &exported, defined.unwrap_or_default());
        SymbolError::missing(symbol, &library.name, text, near(symbol, &exported), local)
    })
}

/// The address of a symbol whose value is not 0.
pub(crate) fn data<T>(library: &Loaded, symbol: SymbolName<'_>) -> Result<NonNull<T>, SymbolError> {
    let address =
        address(library, symbol)?.ok_or_else(|| SymbolError::null(symbol, &library.name))?;
    Ok(address.cast())
}

/// A symbol as a function pointer.
///
/// # Safety
/// `F` is a function pointer type, and the symbol is a function of exactly that type.
pub(crate) unsafe fn function<F: Copy>(
    library: &Loaded,
    symbol: SymbolName<'_>,
) -> Result<F, SymbolError> {
    const {
        assert!(
            size_of::<F>() == size_of::<*mut c_void>(),
            "not as large as an address"
        );
        assert!(
            size_of::<Option<F>>() == size_of::<F>(),
            "the address 0 would be a value of this type"
        );
    }
    let address = data::<c_void>(library, symbol)?.as_ptr();
    // SAFETY: `F` has the size of an address (asserted above) and is a function pointer type of the symbol's own type (the
    // caller vouches), so that the address of the function, which is not 0, is a value of it.
    Ok(unsafe { std::mem::transmute_copy::<*mut c_void, F>(&address) })
}

/// An exported symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    /// The dynamic linker keeps one definition of it for the whole process, and with it the image.
    pub(crate) unique: bool,
}

/// What the caller may have meant: at most three exported symbols, the likeliest first.
fn near(wanted: SymbolName<'_>, exported: &[Exported]) -> Vec<String> {
    let Ok(name) = wanted.name.to_str() else {
        return Vec::new();
    };
    let allowed = 1 + name.len() / 5;
    let mut found: Vec<(usize, String)> = Vec::new();
    for symbol in exported {
        let distance = distance(name, &symbol.name);
        if distance <= allowed {
            let text = match &symbol.version {
                Some(version) => format!("{}@{version}", symbol.name),
                None => symbol.name.clone(),
            };
            found.push((distance, text));
        }
    }
    found.sort();
    found.truncate(3);
    found.into_iter().map(|(_, text)| text).collect()
}

/// The symbol with exactly the wanted name or else the nearest one, if the library has it and does not export it.
fn local(wanted: SymbolName<'_>, exported: &[Exported], defined: Vec<String>) -> Option<String> {
    let name = wanted.name.to_str().ok()?;
    // Names that begin so are those of compilers and linkers, unless somebody asks for one.
    let reserved = |own: &str| own.starts_with('_') && !name.starts_with('_');
    let own = defined
        .into_iter()
        .filter(|own| !reserved(own) && exported.iter().all(|symbol| symbol.name != *own));
    let found = own.map(|own| (distance(name, &own), own)).min()?;
    (found.0 <= 1 + name.len() / 5).then_some(found.1)
}

/// How many characters have to be put in, taken out or changed (Levenshtein), upper and lower case taken as equal.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase().into_bytes(), b.to_lowercase().into_bytes());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: SymbolName<'_>, expected: &[&str]) {
        let exported: Vec<Exported> = [
            ("plugin_entry", None),
            ("plugin_exit", None),
            ("open", Some("V2")),
            ("open", Some("V3")),
        ]
        .map(|(name, version)| Exported {
            name: name.into(),
            version: version.map(Into::into),
            unique: false,
        })
        .into();
        assert_eq!(near(wanted, &exported), expected);
    }

    #[test]
    fn near_misses_are_few_and_near() {
        check(c"plugin_entri".into(), &["plugin_entry"]);
        check(c"PLUGIN_EXIT".into(), &["plugin_exit"]);
        check(c"something".into(), &[]);
        check(
            SymbolName::versioned(c"open", c"V9"),
            &["open@V2", "open@V3"],
        );
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
