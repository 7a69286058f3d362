//! How a library is to be bound: plain values that become flags of the system's.

/// How a library is to be bound.
///
/// There is no hint against unloading, because a [`Library`](crate::Library) is never unloaded: it is loaded with
/// `RTLD_NODELETE`, and pinned on Windows (`GET_MODULE_HANDLE_EX_FLAG_PIN`). AIX's archive members are not supported.
///
/// On Windows the three hints have no effect: everything is bound at once, by the name of the library that it is from, so that
/// no symbol of one library can stand for one of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hints {
    /// When symbols that the library needs are looked up.
    pub binding: Binding,
    /// Whether libraries that are loaded later see its symbols.
    pub visibility: Visibility,
    /// Whether the library prefers its own symbols.
    pub deep_bind: DeepBind,
}

impl Hints {
    /// Everything is bound at once, so that a missing symbol is an error of the load and not the process's end later; no
    /// later library sees its symbols; it sees those of the program first.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            binding: Binding::Now,
            visibility: Visibility::Local,
            deep_bind: DeepBind::Off,
        }
    }

    /// Sets when symbols that the library needs are looked up.
    #[must_use]
    pub const fn with_binding(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// Sets whether libraries that are loaded later see its symbols.
    #[must_use]
    pub const fn with_visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = visibility;
        self
    }

    /// Sets whether the library prefers its own symbols.
    #[must_use]
    pub const fn with_deep_bind(mut self, deep_bind: DeepBind) -> Self {
        self.deep_bind = deep_bind;
        self
    }
}

/// When symbols that a library needs are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binding {
    /// All of them while it is loaded (`RTLD_NOW`). Windows does nothing else.
    Now,
    /// A function when it is first called (`RTLD_LAZY`); if it is missing then, the process ends.
    Lazy,
}

/// Whether libraries that are loaded later see a library's symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Visibility {
    /// They do not (`RTLD_LOCAL`). Windows does nothing else.
    Local,
    /// They do (`RTLD_GLOBAL`): a symbol of theirs may be replaced by one of this library's.
    Global,
}

/// Whether a library prefers its own symbols to those of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeepBind {
    /// It does not.
    Off,
    /// It does (`RTLD_DEEPBIND`, glibc and FreeBSD only; elsewhere nothing changes). It also hides a replaced allocator
    /// and the functions of a sanitizer from the library.
    On,
}
