//! The signatures that speak for a file: its own, in minisign's format, and the one over the bundle manifest of its folder.
//!
//! Whatever lies there is read within bounds and is nobody's word until a key of the policy made it. What cannot be read as
//! a signature is told to the judge as such; it never ends the gathering.

use crate::digest::{digest, digest_with};
use crate::error::OpenErrorKind;
use crate::root::{self, Root, shown};
use crate::text::{self, MAX_SIGNATURE};
use minisign_verify::{PublicKey, Signature, StreamVerifier};
use plugwright_inspect::ReadAt;
use plugwright_trust::{
    Bundle, Digest, Facts, Key, KeyId, MAX_FILE, SignatureCheck, SignatureFacts, Signed, Structure,
    Subject, Timestamp,
};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the name of a signature's file adds to the name of the file that is signed; the same as minisign's own.
pub const SIGNATURE_SUFFIX: &str = ".minisig";

/// The name of a folder's bundle manifest.
pub const BUNDLE: &str = "plugwright.bundle";

/// Finds signatures below one root and checks them with the keys of one policy. Of each folder the bundle manifest is read
/// once, so one of these is for one moment and not to be kept.
#[derive(Debug)]
pub struct Signatures<'a> {
    root: &'a Root,
    keys: &'a [Key],
    bundles: BTreeMap<PathBuf, Option<Arc<SignedBundle>>>,
}

/// What speaks for one file, as far as it can be known before the file's bytes are. The default is nothing.
#[derive(Debug, Default)]
pub struct Found {
    own: Option<Own>,
    bundle: Option<Arc<SignedBundle>>,
}

/// The signature over the file itself.
#[derive(Debug)]
struct Own {
    origin: String,
    parsed: Parsed,
}

#[derive(Debug)]
enum Parsed {
    /// Nothing that the bytes could change.
    Settled(KeyId, SignatureCheck),
    /// It is by this key, if it is right.
    Claimed(KeyId, Box<Claim>),
}

struct Claim {
    key: PublicKey,
    signature: Signature,
}

impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}

/// A bundle manifest, and what its signature is worth.
#[derive(Debug)]
struct SignedBundle {
    origin: String,
    key: KeyId,
    check: SignatureCheck,
    /// What the signed comment says.
    subject: Subject,
    /// Empty unless the signature is good.
    bundle: Bundle,
}

impl<'a> Signatures<'a> {
    /// A finder below `root`, which knows `keys`.
    #[must_use]
    pub const fn new(root: &'a Root, keys: &'a [Key]) -> Self {
        Self {
            root,
            keys,
            bundles: BTreeMap::new(),
        }
    }

    /// What speaks for the file at `relative`: the signature beside it, and the nearest bundle manifest of the folders from
    /// its own up to the root.
    pub fn of(&mut self, relative: &Path) -> Found {
        let mut beside = relative.as_os_str().to_owned();
        beside.push(SIGNATURE_SUFFIX);
        let own = match text::read_below(self.root, Path::new(&beside), MAX_SIGNATURE) {
            Err(error) if error.is(OpenErrorKind::NotFound) => None,
            read => Some(Own {
                origin: shown(&self.root.path().join(&beside)),
                parsed: match read {
                    Ok(text) => parse(&text, self.keys),
                    Err(_) => Parsed::Settled(NOBODY, SignatureCheck::Malformed),
                },
            }),
        };
        let mut folders = relative.ancestors().skip(1);
        let bundle = folders.find_map(|folder| self.bundle(folder));
        Found { own, bundle }
    }

    /// What the nearest bundle manifest says, for a file at `relative` beside which no signature lies.
    pub fn of_bundle(&mut self, relative: &Path) -> Found {
        let mut folders = relative.ancestors().skip(1);
        let bundle = folders.find_map(|folder| self.bundle(folder));
        Found { own: None, bundle }
    }

    fn bundle(&mut self, folder: &Path) -> Option<Arc<SignedBundle>> {
        if let Some(known) = self.bundles.get(folder) {
            return known.clone();
        }
        let read = SignedBundle::read(self.root, self.keys, folder).map(Arc::new);
        self.bundles.insert(folder.to_owned(), read.clone());
        read
    }
}

/// The number that is told of what names no key.
const NOBODY: KeyId = KeyId::from_bytes([0; 8]);

/// Reads a signature and finds its key.
fn parse(text: &str, keys: &[Key]) -> Parsed {
    let (Some(id), Ok(signature)) = (KeyId::named_by(text), Signature::decode(text)) else {
        return Parsed::Settled(NOBODY, SignatureCheck::Malformed);
    };
    let Some(key) = keys.iter().find(|key| key.public.id() == id) else {
        return Parsed::Settled(id, SignatureCheck::UnknownKey);
    };
    match PublicKey::from_base64(&key.public.to_string()) {
        Ok(key) => Parsed::Claimed(id, Box::new(Claim { key, signature })),
        // A policy's key is in this very format.
        Err(_) => Parsed::Settled(id, SignatureCheck::UnknownKey),
    }
}

impl Claim {
    /// A check that takes the bytes as they are read; `None` for a signature of the older form.
    fn verifier(&self) -> Option<StreamVerifier<'_>> {
        self.key.verify_stream(&self.signature).ok()
    }

    /// What the check says once all bytes went through it, and the words of the signed comment.
    fn settle(&self, verifier: Option<StreamVerifier<'_>>) -> (SignatureCheck, Subject) {
        let Some(mut verifier) = verifier else {
            return (SignatureCheck::Legacy, Subject::default());
        };
        if verifier.finalize().is_err() {
            return (SignatureCheck::Forged, Subject::default());
        }
        match Subject::parse(self.signature.trusted_comment()) {
            Ok(subject) => (SignatureCheck::Good, subject),
            Err(_) => (SignatureCheck::Malformed, Subject::default()),
        }
    }
}

impl SignedBundle {
    /// The folder's bundle manifest, if it has one with a signature.
    fn read(root: &Root, keys: &[Key], folder: &Path) -> Option<Self> {
        let (manifest, signature) = (
            folder.join(BUNDLE),
            folder.join(format!("{BUNDLE}{SIGNATURE_SUFFIX}")),
        );
        let origin = shown(&root.path().join(&signature));
        let told = |key, check| Self {
            origin: origin.clone(),
            key,
            check,
            subject: Subject::default(),
            bundle: Bundle::default(),
        };
        let signature = match text::read_below(root, &signature, MAX_SIGNATURE) {
            Err(error) if error.is(OpenErrorKind::NotFound) => return None,
            Err(_) => return Some(told(NOBODY, SignatureCheck::Malformed)),
            Ok(signature) => signature,
        };
        let (id, claim) = match parse(&signature, keys) {
            Parsed::Settled(id, check) => return Some(told(id, check)),
            Parsed::Claimed(id, claim) => (id, claim),
        };
        let Ok(manifest) = text::read_below(root, &manifest, MAX_FILE) else {
            return Some(told(id, SignatureCheck::Malformed));
        };
        let mut verifier = claim.verifier();
        if let Some(verifier) = &mut verifier {
            verifier.update(manifest.as_bytes());
        }
        let (check, subject) = claim.settle(verifier);
        if check != SignatureCheck::Good {
            return Some(told(id, check));
        }
        // Nothing is parsed that nobody signed.
        Some(match Bundle::parse(&manifest) {
            Ok(bundle) => Self {
                origin,
                key: id,
                check,
                subject,
                bundle,
            },
            Err(_) => told(id, SignatureCheck::Malformed),
        })
    }

    /// What it says of the file with these bytes.
    fn facts(&self, digest: Digest, out: &mut Vec<SignatureFacts>) {
        let facts = |check| SignatureFacts::new(&self.origin, self.key, Signed::Bundle, check);
        if self.check != SignatureCheck::Good {
            return out.push(facts(self.check));
        }
        let before = out.len();
        for mut subject in self.bundle.subjects(digest) {
            subject.expires = earlier(subject.expires, self.subject.expires);
            out.push(facts(SignatureCheck::Good).with_subject(subject));
        }
        if out.len() == before {
            out.push(facts(SignatureCheck::NotListed));
        }
    }
}

/// The border that is reached first.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Found {
    /// Reads all bytes once: for their digest, and for the file's own signature if it has one by a known key, which costs a
    /// second hash in the same pass.
    ///
    /// # Errors
    /// As for [`digest()`].
    pub(crate) fn settle<B: ReadAt + Sync + ?Sized>(
        &self,
        bytes: &B,
    ) -> io::Result<(Digest, Vec<SignatureFacts>)> {
        let claim = match &self.own {
            Some(Own {
                parsed: Parsed::Claimed(_, claim),
                ..
            }) => Some(claim),
            _ => None,
        };
        let mut verifier = claim.and_then(|claim| claim.verifier());
        let digest = match &mut verifier {
            Some(verifier) => digest_with(bytes, &mut |bytes| verifier.update(bytes))?,
            None => digest(bytes)?,
        };
        let mut facts = Vec::new();
        if let Some(Own { origin, parsed }) = &self.own {
            let (key, (check, subject)) = match parsed {
                Parsed::Settled(key, check) => (*key, (*check, Subject::default())),
                Parsed::Claimed(key, claim) => (*key, claim.settle(verifier)),
            };
            facts.push(SignatureFacts::new(origin, key, Signed::File, check).with_subject(subject));
        }
        if let Some(bundle) = &self.bundle {
            bundle.facts(digest, &mut facts);
        }
        Ok((digest, facts))
    }
}

impl Found {
    /// Who speaks for bytes that have this digest, without reading them. A signature of the file's own, which only the bytes could
    /// confirm, counts as forged.
    #[must_use]
    pub fn signatures_of(&self, digest: Digest) -> Vec<SignatureFacts> {
        let mut signatures = Vec::new();
        if let Some(Own { origin, parsed }) = &self.own {
            let (Parsed::Settled(key, _) | Parsed::Claimed(key, _)) = parsed;
            let (over, check) = (Signed::File, SignatureCheck::Forged);
            signatures.push(SignatureFacts::new(origin, *key, over, check));
        }
        if let Some(bundle) = &self.bundle {
            bundle.facts(digest, &mut signatures);
        }
        signatures
    }

    /// The facts about a file that is no library, such as a list that an application ships: its digest and who spoke for it.
    /// `path` is for messages, `bytes` is the whole file as it will be used.
    #[must_use]
    pub fn facts(&self, path: &Path, bytes: &[u8]) -> Facts {
        let (digest, signatures) = match self.settle(bytes) {
            Ok(settled) => settled,
            // Bytes in memory are always read. Whoever spoke for nothing speaks for nothing here.
            Err(_) => (Digest::from_bytes([0; 32]), Vec::new()),
        };
        let mut facts =
            Facts::new(shown(path), digest, Structure::sound()).with_signatures(signatures);
        facts.now = root::now();
        facts
    }
}

#[cfg(test)]
mod tests;
