//! What the policy says of plugins that nobody has loaded yet: for lists and settings, before anybody asks for a plugin.
//!
//! Advice, and nothing else: when a plugin is loaded, its bytes are held, read and judged anew, whatever was said here. What the
//! plugin brings in is not looked at here either.
//!
//! What the *bytes* of a file say is kept from one time to the next, and with a registry from one process to the next, by the file's
//! stamp: device, number, size, and the times of the last changes of contents and inode in nanoseconds, none of which a user can
//! set to what was before without changing the last. Who may write the file and the folders above it, the signature of its folder, the
//! policy and the time are asked anew each time. A file that something is wrong with, that has a signature of its own, or that was
//! changed so lately that its times may not tell, is read each time.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use plugwright_audit::audited;
use plugwright_evidence::{Found, Root, SIGNATURE_SUFFIX, Signatures, manifest};
use plugwright_inspect::{Untrusted, symbols};
use plugwright_trust::{Audit, Digest, Facts, Policy, Verdict, judge, telling_imports};

use crate::discovery::Folder;
use crate::pipeline::Candidate;
use crate::registry::{STAMP_SIZE, Stamp, is_regular};
use crate::{Plugin, Refusal, RefusalKind};

/// What the policy says of a plugin as its file is now: see [`Host::advice`](crate::Host::advice).
#[derive(Debug)]
#[non_exhaustive]
pub struct Advice {
    /// The plugin.
    pub plugin: Plugin,
    /// What the policy says, or why the file could not be read.
    pub verdict: Result<Verdict, Refusal>,
    /// Whether the file is the one that was read before, so that its bytes were not read again.
    pub is_known: bool,
}

/// What the bytes of a sound file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Finding {
    digest: Digest,
    /// Which of the names that tell something it imports, a bit for each.
    imports: u32,
}

/// What the bytes of files say, by the files' stamps.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    known: HashMap<[u8; STAMP_SIZE], Finding>,
    is_changed: bool,
}

const ROW: usize = STAMP_SIZE + 32 + 4;

/// In front of the rows: which names the bits are for, and of which form the file is.
fn head() -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"plugwright findings 1");
    for name in telling_imports() {
        hasher.update(name.as_bytes()).update(b"\0");
    }
    *hasher.finalize().as_bytes()
}

impl Findings {
    /// What was kept; nothing if it is not whole, or of another form.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let parse = || {
            let (rows, sum) = bytes.split_last_chunk::<32>()?;
            let rows = rows.strip_prefix(&head())?;
            let whole = blake3::hash(rows).as_bytes() == sum && rows.len().is_multiple_of(ROW);
            let row = |row: &[u8]| {
                let (stamp, rest) = row.split_first_chunk::<STAMP_SIZE>()?;
                let (digest, imports) = rest.split_first_chunk::<32>()?;
                let finding = Finding {
                    digest: Digest::from_bytes(*digest),
                    imports: u32::from_le_bytes(imports.try_into().ok()?),
                };
                Some((*stamp, finding))
            };
            whole.then(|| rows.chunks_exact(ROW).filter_map(row).collect())
        };
        Self {
            known: parse().unwrap_or_default(),
            is_changed: false,
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut rows = Vec::with_capacity(self.known.len() * ROW);
        for (stamp, finding) in &self.known {
            rows.extend_from_slice(stamp);
            rows.extend_from_slice(finding.digest.as_bytes());
            rows.extend_from_slice(&finding.imports.to_le_bytes());
        }
        let sum = *blake3::hash(&rows).as_bytes();
        [&head()[..], &rows, &sum].concat()
    }

    /// What is to be written, if it is not what was read; what is not among `files` any more is forgotten.
    pub(crate) fn changed(&mut self, files: &HashSet<[u8; STAMP_SIZE]>) -> Option<Vec<u8>> {
        let before = self.known.len();
        self.known.retain(|stamp, _| files.contains(stamp));
        let is_changed = self.is_changed || self.known.len() != before;
        self.is_changed = false;
        is_changed.then(|| self.to_bytes())
    }
}

/// A folder with plugins: what is the same for all of its files.
struct Place {
    root: Arc<Root>,
    /// All that is no file's own.
    facts: Facts,
    /// What the bundle manifest of the folder says.
    bundle: Found,
    /// The names in it, to see which file has a signature of its own.
    names: HashSet<OsString>,
}

/// Looks at plugins, one after the other.
pub(crate) struct Adviser<'a> {
    policy: &'a Policy,
    findings: &'a mut Findings,
    places: HashMap<PathBuf, Option<Place>>,
    pub(crate) files: HashSet<[u8; STAMP_SIZE]>,
}

impl<'a> Adviser<'a> {
    pub(crate) fn new(policy: &'a Policy, findings: &'a mut Findings) -> Self {
        Self {
            policy,
            findings,
            places: HashMap::new(),
            files: HashSet::new(),
        }
    }

    /// What the policy says of one of the plugins of a file.
    pub(crate) fn advise(&mut self, plugin: Plugin, candidate: &Candidate) -> Advice {
        let known = self.of_known(&plugin, candidate);
        let is_known = known.is_some();
        let verdict = known.map_or_else(|| self.of_read(&plugin, candidate), Ok);
        Advice {
            plugin,
            verdict,
            is_known,
        }
    }

    fn visit(&mut self, folder: &Folder) {
        if !self.places.contains_key(folder.path()) {
            let place = Place::open(folder, self.policy);
            self.places.insert(folder.path().to_owned(), place);
        }
    }

    /// From what is known of the file's bytes; `None` if that has to be read.
    fn of_known(&mut self, plugin: &Plugin, candidate: &Candidate) -> Option<Verdict> {
        let policy = self.policy;
        // What an audit finds is not kept.
        if policy.audit != Audit::NotAsked {
            return None;
        }
        let name = candidate.name();
        let folder = candidate.folder();
        self.visit(folder);
        let place = self.places.get(folder.path())?.as_ref()?;
        let (stat, file) = place.root.look(name.as_os_str()).ok()?;
        let stamp = Stamp::new(&stat).to_bytes();
        let finding = *self.findings.known.get(&stamp)?;
        if !is_regular(&stat) || place.has_own_signature(name) {
            return None;
        }
        let imports = telling_imports().enumerate();
        let imports = imports.filter(|(bit, _)| finding.imports >> bit & 1 == 1);
        let mut facts = place
            .facts
            .clone()
            .with_signatures(place.bundle.signatures_of(finding.digest))
            .with_imports(imports.map(|(_, name)| name.to_owned()).collect())
            .with_file(file)
            .with_manifest(manifest(plugin.record()));
        let path = candidate.path();
        facts.origin = Untrusted::escape(path.as_os_str().as_encoded_bytes()).into_owned();
        facts.digest = finding.digest;
        let verdict = judge(&facts, policy);
        self.files.insert(stamp);
        Some(verdict)
    }

    /// From the file itself, and keeps what its bytes say.
    fn of_read(&mut self, plugin: &Plugin, candidate: &Candidate) -> Result<Verdict, Refusal> {
        let refuse = |kind| Refusal::new(candidate.path(), kind);
        let opened = candidate
            .open()
            .map_err(|error| refuse(RefusalKind::Unreadable(error)))?;
        let file = opened.file();
        let stamp = || file.metadata().map(|metadata| Stamp::of(&metadata));
        let reading = |error| refuse(RefusalKind::Reading(error));
        let before = stamp().map_err(reading)?;
        let root = candidate.folder().root();
        let root = root.map_err(|error| refuse(RefusalKind::Unreadable(error)))?;
        let found = Signatures::new(&root, &self.policy.keys).of(candidate.name());
        let contents = symbols(file, candidate.name().file_name());
        let facts = opened.facts(file, &contents, &found).map_err(reading)?;
        let is_settled = stamp().map_err(reading)? == before && !before.is_fresh(SystemTime::now());
        if is_settled && facts.structure.problems.is_empty() && facts.hazards.is_empty() {
            let imports = facts.imports.as_ref();
            let imports = telling_imports()
                .enumerate()
                .filter(|(_, name)| imports.is_some_and(|imports| imports.contains(*name)))
                .fold(0, |bits, (bit, _)| bits | 1 << bit);
            let finding = Finding {
                digest: facts.digest,
                imports,
            };
            self.files.insert(before.to_bytes());
            self.findings.known.insert(before.to_bytes(), finding);
            self.findings.is_changed = true;
        }
        let facts = facts.with_manifest(manifest(plugin.record()));
        let facts = audited(facts, self.policy, file, &candidate.path());
        Ok(judge(&facts, self.policy))
    }
}

impl Place {
    fn open(folder: &Folder, policy: &Policy) -> Option<Self> {
        let root = folder.root().ok()?;
        let names = fs::read_dir(folder.path()).ok()?;
        let names: Result<HashSet<OsString>, _> = names
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect();
        Some(Self {
            facts: root.facts().ok()?,
            bundle: Signatures::new(&root, &policy.keys).of_bundle(Path::new("any")),
            root,
            names: names.ok()?,
        })
    }

    /// Whether a signature lies beside the file, or might.
    fn has_own_signature(&self, name: &Path) -> bool {
        let mut beside = name.as_os_str().to_owned();
        beside.push(SIGNATURE_SUFFIX);
        name.components().count() != 1 || self.names.contains::<OsStr>(&beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_bit() {
        let names: HashSet<&str> = telling_imports().collect();
        assert_eq!(names.len(), telling_imports().count());
        assert!(names.len() <= 32);
    }

    #[test]
    fn what_is_kept_is_read_as_it_was_and_nothing_else_is() {
        let mut findings = Findings::default();
        for number in 0..3 {
            let finding = Finding {
                digest: Digest::from_bytes([number; 32]),
                imports: 1 << number,
            };
            findings.known.insert([number; STAMP_SIZE], finding);
        }
        let bytes = findings.to_bytes();
        assert_eq!(Findings::from_bytes(&bytes).known, findings.known);
        for length in 0..bytes.len() {
            assert!(Findings::from_bytes(&bytes[..length]).known.is_empty());
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x10;
            assert!(Findings::from_bytes(&other).known.is_empty());
        }
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let mut findings = Findings::default();
        let finding = Finding {
            digest: Digest::from_bytes([0; 32]),
            imports: 0,
        };
        findings.known.insert([1; STAMP_SIZE], finding);
        findings.known.insert([2; STAMP_SIZE], finding);
        let files = HashSet::from([[1; STAMP_SIZE]]);
        assert!(findings.changed(&files).is_some());
        assert_eq!(findings.known.len(), 1);
        assert_eq!(findings.changed(&files), None);
    }
}
