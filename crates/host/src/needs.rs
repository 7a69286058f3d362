//! What a plugin brings in: found, held and told to the judge before anything of it is loaded, and loaded before what needs it.
//!
//! The system's loader meets a need by *name*: it takes whatever is loaded under that SONAME, and looks for a file of its own
//! choice otherwise. Neither is left to it. What the plugin's closure needs and the process does not have is opened here and held
//! like the plugin itself, and the closure is read from those very bytes. What only root can change is loaded from where it lies;
//! everything else gets a name that nothing has, in its own copy and in the copies of those that need it, so that it can
//! neither be taken for another library nor another one for it. When the plugin is loaded, all that it needs is there under the
//! name by which it asks, and the loader opens nothing.

mod tree;

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use plugwright_audit::audited;
use plugwright_dylib::{
    CopyFolder, Hints, Identity, Image, Library, images_named, loaded_images, unused_name,
};
use plugwright_evidence::{Signatures, digest};
use plugwright_inspect::closure::{Closures, Search};
use plugwright_inspect::{ImageSymbols, Untrusted, symbols};
use plugwright_trust::{Digest, Facts, Hazard, HazardKind, Needed, NeededFound, Policy, Source};

use tree::Tree;
pub(crate) use tree::{Held, hold};

use crate::RefusalKind;

/// What a plugin brings in.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    members: Vec<Member>,
    /// The names by which the plugin asks for the members that are renamed.
    names: Vec<(OsString, usize)>,
    /// Names that nothing was found for: what needs them, and where it was looked.
    missing: Vec<(String, String, String)>,
}

/// A library that is to be loaded before the plugin.
#[derive(Debug)]
struct Member {
    /// The name by which it is needed.
    name: Untrusted,
    /// What needs it first.
    by: String,
    held: Arc<Held>,
    soname: Option<OsString>,
    /// Whether it is loaded from a copy with a name of its own.
    is_renamed: bool,
    /// The names by which it asks for other members.
    needs: Vec<(OsString, usize)>,
    /// Why it cannot be loaded in a way that is known beforehand.
    clash: Option<&'static str>,
}

impl Needs {
    /// Finds what the library at `path` needs, whose bytes are `image` and say `contents`.
    ///
    /// # Errors
    /// When something that is needed is there and cannot be held.
    pub(crate) fn find(
        path: &Path,
        image: &Image,
        contents: &ImageSymbols,
        sources: &[Source],
        copies: Option<&CopyFolder>,
    ) -> Result<Self, RefusalKind> {
        if is_met(contents) {
            return Ok(Self::default());
        }
        let loaded = loaded_images();
        let Some(search) = Search::host() else {
            return Ok(Self::default());
        };
        let tree = Tree::new(path, image, sources, copies);
        let closure = Closures::within(search, &tree).of(path);
        if let Some(error) = tree.failure() {
            return Err(error);
        }
        let mut needs = Self::default();
        // The member of each image of the closure; none for what is in the process.
        let mut places: Vec<Option<usize>> = vec![None; closure.images.len()];
        for (index, image) in closure.images.iter().enumerate().skip(1) {
            let name = OsStr::from_bytes(image.name.as_bytes());
            let known = loaded.iter().find(|loaded| loaded.is_named(name));
            let by = image
                .needed_by
                .first()
                .and_then(|by| closure.images.get(*by));
            let by = by.map_or_else(String::new, |by| shown(by.path.as_deref(), &by.name));
            let held = image.path.as_deref().and_then(|path| tree.held(path));
            match (held, known) {
                // It is this file that is loaded, or no file: a library of the program's own.
                (Some(held), Some(known)) if known.identity == Some(held.identity) => {}
                (None, Some(_)) => {}
                (None, None) => {
                    let steps = image
                        .steps
                        .iter()
                        .map(|step| step.path.display().to_string());
                    let looked: Vec<String> = steps.collect();
                    let looked = format!("nothing at {}", looked.join(", "));
                    needs.missing.push((image.name.to_string(), by, looked));
                }
                (Some(held), known) => {
                    let soname = held.soname();
                    let is_renamed = known.is_some()
                        || held.source != Source::InPlace
                        || soname.as_deref() != Some(name);
                    places[index] = Some(needs.members.len());
                    needs.members.push(Member {
                        name: image.name.clone(),
                        by,
                        soname,
                        is_renamed,
                        held,
                        needs: Vec::new(),
                        clash: None,
                    });
                }
            }
        }
        for (index, image) in closure.images.iter().enumerate() {
            let Some(member) = places[index] else {
                continue;
            };
            let name = OsStr::from_bytes(image.name.as_bytes()).to_owned();
            for by in &image.needed_by {
                match places.get(*by).copied().flatten() {
                    Some(by) => needs.members[by].needs.push((name.clone(), member)),
                    None if *by == 0 => needs.names.push((name.clone(), member)),
                    None => {}
                }
            }
        }
        needs.spread();
        Ok(needs)
    }

    /// Who needs something that is renamed has to ask for it by the new name, so it is a copy too. And finds what cannot be
    /// loaded in a way that is known beforehand.
    fn spread(&mut self) {
        loop {
            let asks = |member: &Member| {
                let mut needs = member.needs.iter();
                needs.any(|(_, need)| self.members[*need].is_renamed)
            };
            let next = self
                .members
                .iter()
                .position(|member| !member.is_renamed && asks(member));
            let Some(next) = next else { break };
            self.members[next].is_renamed = true;
        }
        for member in &mut self.members {
            if member.soname.is_none() {
                member.clash = Some("no SONAME, so that the loader would look for it anew");
            }
        }
        if self.order().is_none() {
            for member in &mut self.members {
                member.clash = Some("libraries that need each other in a circle");
            }
        }
    }

    /// The members, each behind all that it needs; `None` if they go in a circle.
    fn order(&self) -> Option<Vec<usize>> {
        let mut order = Vec::with_capacity(self.members.len());
        while order.len() < self.members.len() {
            let ready = |at: &usize| {
                let needs = &self.members[*at].needs;
                !order.contains(at) && needs.iter().all(|(_, need)| order.contains(need))
            };
            let next = (0..self.members.len()).find(ready)?;
            order.push(next);
        }
        Some(order)
    }

    /// The names of what is to be loaded and of what is missing, escaped.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let members = self.members.iter().map(|member| member.name.to_string());
        members.chain(self.missing.iter().map(|(name, _, _)| name.clone()))
    }

    /// Tells the judge about each of them, from the bytes that are held.
    ///
    /// # Errors
    /// What reading returns.
    pub(crate) fn facts(&self, policy: &Policy) -> std::io::Result<Vec<Needed>> {
        let mut facts = Vec::new();
        for member in &self.members {
            let found = NeededFound::File(Box::new(member.facts(policy)?));
            facts.push(Needed::new(member.name.to_string(), &member.by, found));
        }
        for (name, by, looked) in &self.missing {
            facts.push(Needed::new(name, by, NeededFound::Missing(looked.clone())));
        }
        Ok(facts)
    }

    /// Loads them, each after what it needs, and returns the plugin's own image: another one if it has to ask for them by other
    /// names, or has a name of its own by which others could take it.
    ///
    /// # Safety
    /// As for [`Library::load`], for each of them.
    #[expect(
        unsafe_code,
        reason = "running their constructors is what the permission allows"
    )]
    pub(crate) unsafe fn load(
        self,
        plugin: Image,
        soname: Option<&OsStr>,
    ) -> Result<Image, RefusalKind> {
        let order = self.order().unwrap_or_default();
        let mut given: Vec<Option<OsString>> = vec![None; self.members.len()];
        for at in order {
            let member = &self.members[at];
            let names = renamed(&member.needs, &given);
            if member.is_renamed {
                // SAFETY: the caller vouches for its constructors.
                given[at] = Some(unsafe { member.load_renamed(names) }?);
            } else {
                let image = member.held.image_again()?;
                // SAFETY: as above.
                drop(unsafe { Library::load(image, Hints::new()) }.map_err(RefusalKind::Load)?);
            }
        }
        let mut names = renamed(&self.names, &given);
        if let Some(soname) =
            soname.filter(|_| plugin.source() != plugwright_dylib::Source::InPlace)
        {
            names.insert(soname.to_owned(), unused_name(soname));
        }
        if names.is_empty() {
            return Ok(plugin);
        }
        plugin.renamed(&names).map_err(RefusalKind::Copy)
    }
}

/// The new names of those that are needed and have one.
fn renamed(
    needs: &[(OsString, usize)],
    given: &[Option<OsString>],
) -> BTreeMap<OsString, OsString> {
    let new = |(name, need): &(OsString, usize)| Some((name.clone(), given[*need].clone()?));
    needs.iter().filter_map(new).collect()
}

/// What was loaded under names of its own: by digest and by the new names of what it needs, the name that it has. The same bytes
/// with the same needs are one library, whichever plugins need it.
type Given = HashMap<(Digest, BTreeMap<OsString, OsString>), OsString>;

static GIVEN: LazyLock<Mutex<Given>> = LazyLock::new(Mutex::default);

impl Member {
    fn facts(&self, policy: &Policy) -> std::io::Result<Facts> {
        let held = &self.held;
        let signed = Signatures::new(&held.root, &policy.keys).of(&held.name);
        let contents = symbols(&held.image, held.name.file_name());
        let facts = held.opened.facts(&held.image, &contents, &signed)?;
        let facts = facts.with_held(held.source);
        let mut facts = audited(facts, policy, &held.image, held.opened.path());
        if let Some(clash) = self.clash {
            facts
                .hazards
                .push(Hazard::new(HazardKind::NameClash, clash));
        }
        Ok(facts)
    }

    /// Loads a copy with a name that nothing has, unless that was done before; returns the name.
    ///
    /// # Safety
    /// As for [`Library::load`].
    #[expect(
        unsafe_code,
        reason = "running its constructors is what the permission allows"
    )]
    unsafe fn load_renamed(
        &self,
        mut names: BTreeMap<OsString, OsString>,
    ) -> Result<OsString, RefusalKind> {
        let image = &self.held.image;
        let digest = digest(image).map_err(RefusalKind::Reading)?;
        let key = (digest, names.clone());
        let known = GIVEN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let soname = self.soname.clone().unwrap_or_default();
        let name = unused_name(&soname);
        names.insert(soname, name.clone());
        let image = image.renamed(&names).map_err(RefusalKind::Copy)?;
        // SAFETY: the caller vouches for its constructors. No lock is held while they run.
        drop(unsafe { Library::load(image, Hints::new()) }.map_err(RefusalKind::Load)?);
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(given.entry(key).or_insert(name).clone())
    }
}

/// Whether all that a library needs is in the process already, and no search could find another one: it has no run path, and what is
/// loaded under each name came from a file that is still where it was.
fn is_met(contents: &ImageSymbols) -> bool {
    let headers = &contents.headers;
    let searches =
        headers.run_path.is_some() || headers.elf().is_some_and(|elf| elf.rpath.is_some());
    if searches {
        return false;
    }
    let names = headers.needed.iter();
    let names: Vec<&OsStr> = names
        .map(|name| OsStr::from_bytes(name.as_bytes()))
        .collect();
    let loaded = images_named(&names);
    names.iter().all(|name| {
        let known = loaded.iter().find(|loaded| loaded.is_named(name));
        known.is_some_and(|known| known.identity.is_some())
    })
}

fn shown(path: Option<&Path>, name: &Untrusted) -> String {
    path.map_or_else(|| name.to_string(), |path| path.display().to_string())
}

/// Which file it is.
pub(crate) fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}
