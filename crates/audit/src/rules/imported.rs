//! Imports of watched names, for the rules that ask for nothing else.

use crate::finding::Sink;
use crate::subject::FileSubject;
use crate::watched::Watch;

/// Tells the imports of each image that are in the group, in one finding.
pub(super) fn check(file: &FileSubject<'_>, sink: &mut Sink<'_>, watch: Watch) -> u64 {
    let mut looked = 0_u64;
    for (_, symbols) in file.images() {
        looked = looked.saturating_add(symbols.imports);
        let mut names = symbols.imported(watch).peekable();
        if names.peek().is_some() {
            let finding = sink.report(sink.rule().title);
            for symbol in names {
                finding.symbol("import", symbol);
            }
        }
    }
    looked
}
