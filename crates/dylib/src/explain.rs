//! Why the dynamic linker refused a file, as far as reading the file can tell.
//!
//! The dynamic linker tells one reason, and often one that is not the cause: that a library "cannot be opened" which lies
//! there, built for another processor. Nothing here executes anything, and nothing here is asked unless a load failed.

use crate::checked;
use crate::error::OsText;
use crate::image::{Image, Source};
use plugwright_inspect::{ImageHeaders, Links, Target, headers, open};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What reading a refused image found out, a sentence each.
pub(crate) fn refusal(image: &Image, answer: &OsText) -> Vec<String> {
    let mut sentences = checked::problems(image);
    let headers = headers(image, None);
    let Some(host) = Target::host() else {
        return sentences;
    };
    if let Some(library) = headers.image_for(&host) {
        // The dynamic linker names the library that it could not open first.
        let missing = library.needed.iter().filter(|name| {
            answer
                .as_str()
                .starts_with(&format!("{}:", name.to_string_lossy()))
        });
        for name in missing {
            sentences.extend(missing_library(
                image,
                library,
                Path::new(OsStr::from_bytes(name.as_bytes())),
                &host,
            ));
        }
    }
    sentences
}

/// What is known about a library that is needed and was not found.
fn missing_library(
    image: &Image,
    library: &ImageHeaders,
    name: &Path,
    host: &Target,
) -> Vec<String> {
    let Some(run_path) = library
        .run_path
        .as_ref()
        .filter(|path| !path.as_bytes().is_empty())
    else {
        return vec![format!(
            "it needs {name:?} and names no folder for it: the system's search has to find it, or load it before"
        )];
    };
    let mut sentences = vec![format!(
        "it needs {name:?}, to be found in its run path \"{run_path}\" or by the system's search"
    )];
    let origin = match image.source() {
        Source::InPlace => image.name().parent(),
        Source::Sealed | Source::PrivateCopy => None,
    };
    for element in run_path.as_bytes().split(|byte| *byte == b':') {
        let Some(folder) = expand(element, origin) else {
            sentences.push(format!(
                "$ORIGIN leads nowhere in a copy: load {name:?} before it"
            ));
            continue;
        };
        let path = folder.join(name);
        let Ok(opened) = open(&path, Links::Follow) else {
            continue;
        };
        let found = headers(opened.file(), None);
        let mismatch = found
            .images
            .iter()
            .find_map(|image| host.mismatch(&image.image.target));
        match mismatch.or_else(|| found.problems.first().cloned()) {
            Some(problem) => sentences.push(format!("{path:?} is there, but {problem}")),
            None => sentences.push(format!(
                "{path:?} is there and looks sound: something that it needs may be missing"
            )),
        }
    }
    sentences
}

/// A folder of a run path; `None` if it is relative to where the library lies, and that is nowhere.
fn expand(element: &[u8], origin: Option<&Path>) -> Option<PathBuf> {
    let rest = element
        .strip_prefix(b"$ORIGIN")
        .or_else(|| element.strip_prefix(b"${ORIGIN}"));
    match rest {
        Some(rest) => {
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            origin.map(|origin| origin.join(OsStr::from_bytes(rest)))
        }
        None => Some(PathBuf::from(OsStr::from_bytes(element))),
    }
}
