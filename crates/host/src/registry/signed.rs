//! Who spoke for a registry that came with an application.
//!
//! It is a hint like any other, and what is loaded is judged anew. A signature says that it is the one that the build made:
//! nobody else left a plugin out of it, or put one in that is then refused.

use std::path::Path;

use plugwright_evidence::{Root, Signatures};
use plugwright_trust::{Key, Policy, Signatures as Wanted, judge};

/// Whether one of the keys made a good signature over `bytes`, which were read from `path`: beside the file, or over the
/// bundle manifest of its folder that lists it. The error says why not.
pub(super) fn check(path: &Path, bytes: &[u8], keys: &[Key]) -> Result<(), String> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err("its path names no file".to_owned());
    };
    let folder = folder
        .canonicalize()
        .map_err(|error| format!("its folder: {error}"))?;
    let root = Root::open(&folder).map_err(|error| error.to_string())?;
    let found = Signatures::new(&root, keys).of(Path::new(name));
    let mut policy = Policy::developer().with_signatures(Wanted::Required);
    for key in keys {
        policy = policy.with_key(key.clone());
    }
    let verdict = judge(&found.facts(path, bytes), &policy);
    // The rest of a policy is about libraries.
    let reasons: Vec<String> = verdict
        .reasons()
        .iter()
        .filter(|reason| reason.code.as_str().starts_with("signature."))
        .map(ToString::to_string)
        .collect();
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons.join("; "))
    }
}
