//! `plugwright sign`: signatures of minisign's form, over files or over the bundle manifest of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor, Read as _};
use std::path::{Path, PathBuf};

use minisign::SecretKey;
use plugwright_evidence::{BUNDLE, Root, SIGNATURE_SUFFIX, digest};
use plugwright_inspect::identity;
use plugwright_manifest::{Record, Role};
use plugwright_trust::{Bundle, BundledFile, Subject, Timestamp};

use super::judged::{absolute, now};
use super::key::Passphrase;
use crate::exit::Exit;
use crate::output::{self, Output, escape};
use crate::write::{finished, replace};

const EXAMPLES: &str = "\
Examples:
  plugwright sign --key release.key plugins/    one for all: plugwright.bundle
  plugwright sign --key release.key libzstd.so  beside it: libzstd.so.minisig
  plugwright sign --key release.key --expires 2028-01-01 plugins/
  minisign -Vm libzstd.so -p release.pub        minisign reads what this writes";

/// Sign plugins, or a folder of them at once
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Sign {
    /// Files, and folders with all that lies below them
    #[arg(required = true)]
    targets: Vec<PathBuf>,

    /// The secret key: of `plugwright key new`, or minisign's own
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    #[command(flatten)]
    passphrase: Passphrase,

    /// From when on the signature does not count any more, as in 2028-01-01
    #[arg(long, value_name = "DATE")]
    expires: Option<Timestamp>,
}

impl Sign {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let key = match self.passphrase.unlock(&self.key) {
            Ok(key) => key,
            Err(error) => {
                output::complain(&escape::sentence(&error));
                return Ok(Exit::Problems);
            }
        };
        if self.expires.is_some_and(|expires| expires <= now()) {
            output::complain("--expires is past: what is signed now counts for nobody");
        }
        let mut exit = Exit::Good;
        for target in &self.targets {
            let signed = if target.is_dir() {
                self.folder(target, &key)
            } else {
                file(target, &key, self.expires)
            };
            match signed {
                Ok(line) => output.line(&escape::sentence(&line))?,
                Err(error) => {
                    output::complain(&escape::sentence(&error));
                    exit = Exit::Problems;
                }
            }
        }
        Ok(exit)
    }

    /// Writes and signs the bundle manifest of a folder.
    fn folder(&self, folder: &Path, key: &SecretKey) -> Result<String, String> {
        let folder = absolute(folder)?;
        let root = Root::open(&folder).map_err(|error| error.to_string())?;
        let mut bundle = Bundle::default();
        bundle.expires = self.expires;
        for (path, relative) in files(root.path(), Path::new(""))? {
            bundle.files.push(bundled(&root, &path, &relative)?);
        }
        let text = bundle.write().map_err(|error| error.to_string())?;
        let path = root.path().join(BUNDLE);
        let mut subject = Subject::default();
        subject.expires = self.expires;
        let signature = sign(key, text.as_bytes(), &path, &subject)?;
        replace(&path, &text)?;
        replace(&beside(&path), &signature)?;
        Ok(format!(
            "wrote {path:?} with {} files, and its signature",
            bundle.files.len()
        ))
    }
}

/// Lays a signature beside a file.
pub(super) fn file(
    path: &Path,
    key: &SecretKey,
    expires: Option<Timestamp>,
) -> Result<String, String> {
    let path = absolute(path)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(format!("{path:?} names no file"));
    };
    let root = Root::open(folder).map_err(|error| error.to_string())?;
    let opened = root
        .open_file(Path::new(name))
        .map_err(|error| error.to_string())?;
    let mut subject = Subject::default();
    subject.expires = expires;
    if let [record] = offered(opened.file(), name).as_slice() {
        subject.id = Some(record.summary.id.to_string());
        subject.version = Some(record.summary.version.clone());
    }
    // Of the file that was opened, whatever has its name by now.
    let mut bytes = Vec::new();
    let read = opened.file().read_to_end(&mut bytes);
    read.map_err(|error| format!("{path:?}: {error}"))?;
    let signature = sign(key, &bytes, &path, &subject)?;
    let beside = beside(&path);
    replace(&beside, &signature)?;
    let said = subject.to_string();
    let said = if said.is_empty() {
        "no plugin in it".to_owned()
    } else {
        said
    };
    Ok(format!("wrote {beside:?} ({said})"))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIGNATURE_SUFFIX);
    name.into()
}

fn sign(key: &SecretKey, bytes: &[u8], path: &Path, subject: &Subject) -> Result<String, String> {
    // White space separates the words of a comment.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.replace(
        |letter: char| letter.is_whitespace() || letter.is_control(),
        "_",
    );
    let comment = format!("timestamp:{} file:{name} {subject}", now().unix());
    // Checked with its own public half, so that a damaged key is noticed before somebody else notices.
    let public = minisign::PublicKey::from_secret_key(key);
    let public = public.map_err(|error| format!("the key is damaged: {error}"))?;
    let signed = minisign::sign(
        Some(&public),
        key,
        Cursor::new(bytes),
        Some(comment.trim_end()),
        None,
    );
    let signed = signed.map_err(|error| format!("{path:?} was not signed: {error}"))?;
    Ok(signed.to_string())
}

/// The regular files below a folder, by their path with `/`; without bundle manifests and signatures, whole or not.
fn files(folder: &Path, relative: &Path) -> Result<BTreeMap<String, PathBuf>, String> {
    let failed = |error: io::Error| format!("{folder:?} cannot be read: {error}");
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, kind) = (entry.file_name(), entry.file_type().map_err(failed)?);
        let below = relative.join(&name);
        if kind.is_dir() {
            found.extend(files(&entry.path(), &below)?);
        } else if kind.is_file() {
            let Some(text) = below.to_str() else {
                return Err(format!(
                    "{below:?} is not UTF-8: a bundle manifest cannot name it"
                ));
            };
            let is_bundle = Path::new(finished(text)).file_name() == Some(BUNDLE.as_ref());
            if !is_bundle && !finished(text).ends_with(SIGNATURE_SUFFIX) {
                found.insert(text.to_owned(), below);
            }
        }
    }
    Ok(found)
}

fn bundled(root: &Root, path: &str, relative: &Path) -> Result<BundledFile, String> {
    let opened = root
        .open_file(relative)
        .map_err(|error| error.to_string())?;
    let file = opened.file();
    let digest = digest(file);
    let digest = digest.map_err(|error| format!("{path:?}: {error}"))?;
    let name = relative.file_name().unwrap_or_default();
    let bundled = BundledFile::new(path, opened.file_facts().size, digest);
    let plugins = offered(file, name).into_iter();
    Ok(plugins.fold(bundled, |bundled, record| {
        bundled.with_plugin(record.summary.id.to_string(), record.summary.version)
    }))
}

/// The plugins that a library offers, whatever system it is for.
fn offered(file: &fs::File, name: &std::ffi::OsStr) -> Vec<Record> {
    let images = identity(file, Some(name)).images.into_iter();
    let mut records: Vec<Record> = Vec::new();
    for record in images.flat_map(|image| image.records) {
        if record.role == Role::Root
            && !records
                .iter()
                .any(|known| known.summary.id == record.summary.id)
        {
            records.push(record);
        }
    }
    records
}
