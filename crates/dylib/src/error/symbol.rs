//! Why a symbol was not handed out.

use crate::error::{LoadError, OsText};
use crate::symbols::SymbolName;
use std::error::Error;
use std::ffi::{CStr, CString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a symbol was not handed out.
#[derive(Debug)]
pub struct SymbolError(Box<Facts>);

/// Behind a pointer, since errors are passed up through every result.
#[derive(Debug)]
struct Facts {
    kind: SymbolErrorKind,
    symbol: CString,
    version: Option<CString>,
    library: PathBuf,
    similar: Vec<String>,
    local: Option<String>,
    source: Option<OsText>,
}

/// The kinds of a [`SymbolError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SymbolErrorKind {
    /// The library does not export it.
    Missing,
    /// The library exports it, and its value is 0.
    Null,
}

impl SymbolError {
    fn new(kind: SymbolErrorKind, symbol: SymbolName<'_>, library: &Path) -> Self {
        Self(Box::new(Facts {
            kind,
            symbol: symbol.name.to_owned(),
            version: symbol.version.map(ToOwned::to_owned),
            library: library.to_owned(),
            similar: Vec::new(),
            local: None,
            source: None,
        }))
    }

    pub(crate) fn missing(
        symbol: SymbolName<'_>,
        library: &Path,
        source: OsText,
        similar: Vec<String>,
        local: Option<String>,
    ) -> Self {
        let mut new = Self::new(SymbolErrorKind::Missing, symbol, library);
        new.0.similar = similar;
        new.0.local = local;
        new.0.source = Some(source);
        new
    }

    pub(crate) fn null(symbol: SymbolName<'_>, library: &Path) -> Self {
        Self::new(SymbolErrorKind::Null, symbol, library)
    }

    /// What went wrong, to decide on.
    #[must_use]
    pub fn kind(&self) -> SymbolErrorKind {
        self.0.kind
    }

    /// The symbol's name.
    #[must_use]
    pub fn symbol(&self) -> &CStr {
        &self.0.symbol
    }

    /// The version that was asked for.
    #[must_use]
    pub fn version(&self) -> Option<&CStr> {
        self.0.version.as_deref()
    }

    /// The library that was asked, as it was called when it was loaded.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.0.library
    }

    /// Symbols with similar names that the library does export, with their versions after an `@`.
    #[must_use]
    pub fn similar(&self) -> &[String] {
        &self.0.similar
    }

    /// A symbol of that name, or of a similar one, that the library has and does not export: it is local or hidden. Known on
    /// Linux, for libraries that were not stripped.
    #[must_use]
    pub fn local(&self) -> Option<&str> {
        self.0.local.as_deref()
    }
}

impl fmt::Display for SymbolError {
    // Names are printed with `{:?}`, which escapes control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts {
            kind,
            symbol,
            version,
            library,
            similar,
            local,
            ..
        } = &*self.0;
        match kind {
            SymbolErrorKind::Missing => write!(f, "{library:?} has no symbol {symbol:?}")?,
            SymbolErrorKind::Null => write!(f, "{library:?} has the symbol {symbol:?}")?,
        }
        if let Some(version) = version {
            write!(f, " of version {version:?}")?;
        }
        if *kind == SymbolErrorKind::Null {
            write!(f, ", and its value is 0")?;
        }
        for (index, name) in similar.iter().enumerate() {
            write!(
                f,
                "{}{name:?}",
                if index == 0 {
                    "; did you mean "
                } else {
                    " or "
                }
            )?;
        }
        if let Some(local) = local {
            write!(
                f,
                "; it has {local:?}, and does not export it: make it visible"
            )?;
        }
        Ok(())
    }
}

impl Error for SymbolError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|text| text as &(dyn Error + 'static))
    }
}

/// Why a function was not got in one go.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The library was not loaded.
    Load(LoadError),
    /// It was, and the symbol was not handed out.
    Symbol(SymbolError),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::Symbol(error) => error.fmt(f),
        }
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Load(error) => error.source(),
            Self::Symbol(error) => error.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::LoadErrorKind;

    /// Every kind, with and without all that can be said of it.
    #[test]
    fn every_kind_has_a_text() {
        let library = Path::new("/lib/a\n.so");
        let versioned = SymbolName::versioned(c"plugin\n", c"V2");
        let mut texts = Vec::new();
        for kind in [SymbolErrorKind::Missing, SymbolErrorKind::Null] {
            // A new kind does not compile without a place here.
            let error = match kind {
                SymbolErrorKind::Missing => SymbolError::missing(
                    versioned,
                    library,
                    OsText::new(c"no such symbol"),
                    vec!["plugin@V1".into(), "plug_in".into()],
                    Some("plugin".into()),
                ),
                SymbolErrorKind::Null => SymbolError::null(versioned, library),
            };
            assert_eq!(error.kind(), kind);
            texts.push(format!("{kind:?}: {}", ResolveError::Symbol(error)));
        }
        let load = LoadError::new(LoadErrorKind::NotFound, library);
        texts.push(format!("Load: {}", ResolveError::Load(load)));
        let texts = texts.join("\n");
        // The snapshot tool does not find its files when the test runs on Windows and was built elsewhere.
        if cfg!(unix) {
            insta::assert_snapshot!(texts);
        } else {
            assert!(texts.lines().all(|line| line.contains(": ")));
        }
    }
}
