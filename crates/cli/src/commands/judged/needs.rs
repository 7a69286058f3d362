//! What a library brings in, for a verdict that is merely asked for: found as the loader would find it for a process that has nothing
//! loaded, and read where it lies. A host does the same with copies that it holds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use plugwright_audit::audited;
use plugwright_evidence::{Root, Signatures};
use plugwright_inspect::closure::{Closures, Search};
use plugwright_inspect::symbols;
use plugwright_trust::{Facts, Needed, NeededFound, Policy, Source, is_frozen};

/// Finds needed libraries, and reads each once.
pub(crate) struct Needs {
    /// None where libraries are not in ELF.
    closures: Option<Closures>,
    known: HashMap<PathBuf, Option<Facts>>,
}

impl Needs {
    pub(crate) fn new() -> Self {
        Self {
            closures: Search::host().map(Closures::new),
            known: HashMap::new(),
        }
    }

    /// All that the library at `path` brings in.
    pub(crate) fn of(&mut self, path: &Path, policy: &Policy) -> Vec<Needed> {
        let Some(closures) = &mut self.closures else {
            return Vec::new();
        };
        let closure = closures.of(path);
        let mut needed = Vec::new();
        for image in closure.images.iter().skip(1) {
            let by = image
                .needed_by
                .first()
                .and_then(|by| closure.images.get(*by));
            let by = by.map_or_else(String::new, |by| match &by.path {
                Some(path) => path.display().to_string(),
                None => by.name.to_string(),
            });
            let facts = image
                .path
                .as_deref()
                .and_then(|path| self.facts(path, policy));
            let found = match facts {
                Some(facts) => NeededFound::File(Box::new(facts)),
                None => {
                    let steps = image
                        .steps
                        .iter()
                        .map(|step| step.path.display().to_string());
                    let looked: Vec<String> = steps.collect();
                    NeededFound::Missing(format!("nothing at {}", looked.join(", ")))
                }
            };
            needed.push(Needed::new(image.name.to_string(), by, found));
        }
        needed
    }

    fn facts(&mut self, path: &Path, policy: &Policy) -> Option<Facts> {
        let known = self.known.entry(path.to_owned());
        known.or_insert_with(|| read(path, policy)).clone()
    }
}

fn read(path: &Path, policy: &Policy) -> Option<Facts> {
    let real = std::fs::canonicalize(path).ok()?;
    let (folder, name) = (real.parent()?, Path::new(real.file_name()?));
    let root = Root::open(folder).ok()?;
    let opened = root.open_file(name).ok()?;
    let file = opened.file();
    let contents = symbols(file, name.file_name());
    let found = Signatures::new(&root, &policy.keys).of(name);
    let facts = opened.facts(file, &contents, &found).ok()?;
    let facts = audited(facts, policy, file, opened.path());
    // What only root can change a host loads from where it lies.
    Some(if is_frozen(opened.file_facts(), opened.ancestors()) {
        facts.with_held(Source::InPlace)
    } else {
        facts
    })
}
