//! The elements of a run path, for the rules that look at them.

use plugwright_inspect::{ElfFacts, ImageHeaders, Untrusted};

use crate::subject::{FileSubject, entry_offset};

/// One folder of a run path.
pub(super) struct Element<'a> {
    pub(super) tag: &'static str,
    pub(super) text: &'a [u8],
    pub(super) whole: &'a Untrusted,
    pub(super) offset: Option<u64>,
}

/// Every element of `DT_RPATH` and `DT_RUNPATH`.
pub(super) fn elements<'a>(
    image: &'a ImageHeaders,
    elf: &'a ElfFacts,
) -> impl Iterator<Item = Element<'a>> {
    let old = elf
        .rpath
        .iter()
        .map(|path| ("DT_RPATH", path, entry_offset(elf, 15)));
    let new = image
        .run_path
        .iter()
        .map(|path| ("DT_RUNPATH", path, entry_offset(elf, 29)));
    old.chain(new).flat_map(|(tag, whole, offset)| {
        let elements = whole.as_bytes().split(|byte| *byte == b':');
        elements.map(move |text| Element {
            tag,
            text,
            whole,
            offset,
        })
    })
}

/// The folders of every `LC_RPATH`, with the places of their commands in the file.
pub(super) fn of_macho<'a>(file: &FileSubject<'a>) -> impl Iterator<Item = (&'a Untrusted, u64)> {
    let images = file.macho();
    images.flat_map(|(_, facts)| {
        let places = facts.run_paths_at.iter().copied();
        facts.run_paths.iter().zip(places)
    })
}

/// An element without empty and `.` steps and with its `..` steps taken, from the top on. `$ORIGIN` counts as a folder of
/// unknown depth: enough `..` lead to the top from there as well.
pub(super) fn plain(element: &[u8]) -> String {
    let text = String::from_utf8_lossy(element);
    let mut steps: Vec<&str> = Vec::new();
    for step in text.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken() {
        #[track_caller]
        fn check(element: &str, expected: &str) {
            assert_eq!(plain(element.as_bytes()), expected);
        }
        check("/tmp", "tmp");
        check("/usr/../tmp/./x/", "tmp/x");
        check("$ORIGIN/../../../tmp", "tmp");
        check("$ORIGIN/tmp", "$ORIGIN/tmp");
    }
}
