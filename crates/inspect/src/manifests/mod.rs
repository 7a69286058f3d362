//! What files beside a library say that it is: plugins of some systems come with a manifest,
//! from which their hosts take all that they ask before they load anything.
//!
//! | form | file | names the library by |
//! |---|---|---|
//! | [`ManifestForm::Lv2`] | `manifest.ttl` in the same folder | `lv2:binary`, `ui:binary` |
//! | [`ManifestForm::Vst3`] | `moduleinfo.json` in the bundle: `Contents/Resources`, or `Contents` of older ones | being in the bundle |
//! | [`ManifestForm::Khronos`] | any `.json` in the same folder, Vulkan's and `OpenXR`'s | `library_path` |
//!
//! The files are read and not believed: of bounded size, in folders of bounded length.
//! System-wide folders for manifests are not looked into.

mod json;
mod turtle;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::kinds::{PluginKind, Recognised};
use crate::limits;
use crate::open::{Links, open};
use crate::problem::{Code, Loader, Problem, Problems, quote};
use crate::read_at::ReadAt;
use crate::source::Source;
use crate::untrusted::Untrusted;

/// A form of manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManifestForm {
    /// An LV2 bundle's, in Turtle.
    Lv2,
    /// A VST 3 bundle's, in JSON with comments and trailing commas.
    Vst3,
    /// One for a loader of the Khronos Group: layers and drivers of Vulkan, layers and
    /// runtimes of `OpenXR`, in JSON.
    Khronos,
}

/// What the manifests beside a library say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beside {
    /// What they call the library, with the manifest's path as the evidence.
    pub kinds: Vec<Recognised>,
    /// What is wrong with them; their paths stand in what was found.
    pub problems: Vec<Problem>,
}

/// Looks for manifests of the library at `path`, and reads those that there are.
///
/// A `.json` that is no manifest, or is another library's, is passed over; so is what cannot
/// be opened.
#[must_use]
pub fn beside(path: &Path) -> Beside {
    let mut found = Beside::default();
    let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
        return found;
    };
    for (form, manifest) in candidates(folder) {
        let Ok(file) = open(&manifest, Links::Follow) else {
            continue;
        };
        let (kinds, problems) = manifest_says(form, &file, name);
        found.kinds.extend(kinds.into_iter().map(|kind| Recognised {
            evidence: Some(manifest.as_os_str().as_encoded_bytes().into()),
            ..kind
        }));
        found.problems.extend(problems.into_iter().map(|problem| {
            Problem {
                found: format!(
                    "{} in {}",
                    problem.found,
                    quote(manifest.as_os_str().as_encoded_bytes())
                )
                .into(),
                ..problem
            }
        }));
    }
    found
}

/// The files that may be manifests of a library in `folder`.
fn candidates(folder: &Path) -> Vec<(ManifestForm, PathBuf)> {
    let mut list = vec![(ManifestForm::Lv2, folder.join("manifest.ttl"))];
    // NAME.vst3/Contents/PROCESSOR-SYSTEM/NAME.so
    let bundle = folder
        .parent()
        .filter(|contents| contents.ends_with("Contents"));
    for place in ["Resources/moduleinfo.json", "moduleinfo.json"] {
        list.extend(bundle.map(|contents| (ManifestForm::Vst3, contents.join(place))));
    }
    // The folder of a bare name is the current one, which is not named.
    let listed = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = std::fs::read_dir(listed).into_iter().flatten().flatten();
    let mut names: Vec<PathBuf> = entries
        .take(limits::MANIFEST_FOLDER)
        .map(|entry| folder.join(entry.file_name()))
        .filter(|path| path.extension() == Some(OsStr::new("json")))
        .collect();
    // Folders have no order, and the answer is to have one.
    names.sort();
    let names = names.into_iter().take(limits::MANIFESTS);
    list.extend(names.map(|path| (ManifestForm::Khronos, path)));
    list
}

/// What a manifest in this form says of the library called `library`: nothing where it is
/// about others. The evidence is left to who knows the manifest's name.
///
/// It never fails as a whole and never panics.
pub fn manifest_says<R: ReadAt + ?Sized>(
    form: ManifestForm,
    reader: &R,
    library: &OsStr,
) -> (Vec<Recognised>, Vec<Problem>) {
    let mut problems = Problems::default();
    let bytes =
        Source::new(reader).and_then(|mut source| source.table(0, source.size(), limits::MANIFEST));
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(fault) => {
            problems.push(fault.into_problem(Code::ReadFailed, Loader::Accepts, "a manifest"));
            return (Vec::new(), problems.into_vec());
        }
    };
    let kinds = match form {
        ManifestForm::Lv2 => turtle::lv2(&bytes, library.as_encoded_bytes(), &mut problems),
        ManifestForm::Vst3 => json::vst3(&bytes, &mut problems),
        ManifestForm::Khronos => json::khronos(&bytes, library),
    };
    (kinds, problems.into_vec())
}

fn recognised(kind: PluginKind, name: Option<Untrusted>, says: Vec<Untrusted>) -> Recognised {
    Recognised {
        kind,
        evidence: None,
        name,
        says,
    }
}

fn invalid(at: u64, expected: &'static str, found: &str, problems: &mut Problems) {
    problems.add(
        Code::ManifestInvalid,
        Loader::Accepts,
        at,
        expected,
        quote(found.as_bytes()),
    );
}
