//! What the closure needs of an ELF library, and no more: names, run paths, symbols.

use crate::arch::Target;
use crate::problem::Problems;
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

use super::dynamic::Dynamic;
use super::header::{self, Header};
use super::symbols::SymbolTable;
use super::{hash, raw, structure};

/// A library as a loader sees it before it relocates.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) target: Target,
    pub(crate) soname: Option<Untrusted>,
    pub(crate) needed: Vec<Untrusted>,
    pub(crate) rpath: Option<Untrusted>,
    pub(crate) run_path: Option<Untrusted>,
    pub(crate) no_default_library: bool,
    pub(crate) symbols: Option<SymbolTable>,
}

/// Reads the library; without a dynamic section there is no module.
pub(crate) fn read<R: ReadAt + ?Sized>(
    source: &mut Source<'_, R>,
    problems: &mut Problems,
) -> Option<Module> {
    let header = Header::read(source, problems)?;
    let segments = header::segments(&header, source, problems);
    structure::check(&header, &segments, source.size(), problems);
    let dynamic = Dynamic::read(&header, &segments, source, problems)?;
    let count = hash::check(&dynamic, source, problems);
    let needed = dynamic.strings_of(raw::DT_NEEDED, source, problems);
    Some(Module {
        target: header.target,
        soname: dynamic.string_of(raw::DT_SONAME, source, problems),
        needed: needed.into_iter().map(|(name, _)| name).collect(),
        rpath: dynamic.string_of(raw::DT_RPATH, source, problems),
        run_path: dynamic.string_of(raw::DT_RUNPATH, source, problems),
        no_default_library: dynamic.flags().no_default_library,
        symbols: count.and_then(|count| SymbolTable::read(&dynamic, count, source, problems)),
    })
}
