//! `plugwright key`: keys for signing, and the store of keys that are trusted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minisign::{ErrorKind, KeyPair, SecretKey, SecretKeyBox};
use plugwright_evidence::read_keys;
use plugwright_trust::{Capability, IdPattern, Key, PublicKey, Timestamp};

use super::judged::absolute;
use crate::exit::Exit;
use crate::output::{self, Output, escape};
use crate::write::{create, replace, unwritable};

const EXAMPLES: &str = "\
Examples:
  plugwright key new release            writes release.key and release.pub
  plugwright key trust release.pub --name release --ids 'org.example.*'
  plugwright key list
  plugwright key revoke release --reason 'the laptop was stolen'

The keys are minisign's: each program reads what the other wrote.";

/// Make keys, and say whose signatures count
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct KeyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a pair of keys: NAME.key, which is secret, and NAME.pub
    New(New),
    /// List the keys of a store
    List(Store),
    /// Add a public key to a store
    Trust(Box<Trust>),
    /// Mark a key of a store as not trustworthy any more, whatever it signed and when
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct New {
    /// Where to write them, without the endings
    name: PathBuf,

    #[command(flatten)]
    passphrase: Passphrase,

    /// Do not encrypt the secret key: for machines that sign on their own
    #[arg(long, conflicts_with = "passphrase_file")]
    without_passphrase: bool,
}

#[derive(Debug, clap::Args)]
struct Store {
    /// The key store
    #[arg(long, value_name = "FILE", default_value = "plugwright.keys")]
    store: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Trust {
    /// The .pub file, or the 56 characters of its second line
    public: String,

    /// What people call it
    #[arg(long)]
    name: String,

    /// The plugins that it may sign: an id, a prefix as in org.example.*, or *; may be repeated
    #[arg(long, required = true, value_name = "PATTERN")]
    ids: Vec<IdPattern>,

    /// What its plugins may be granted at most, such as threads:4; without one there is no such limit
    #[arg(long, value_name = "CAPABILITY")]
    capability: Vec<Capability>,

    /// From when on it counts, as in 2027-03-01
    #[arg(long, value_name = "DATE")]
    from: Option<Timestamp>,

    /// From when on it does not count any more
    #[arg(long, value_name = "DATE")]
    until: Option<Timestamp>,

    #[command(flatten)]
    store: Store,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// The key's name or number
    key: String,

    /// Why, for whoever reads the refusals
    #[arg(long)]
    reason: String,

    #[command(flatten)]
    store: Store,
}

/// Where the passphrase of a secret key comes from: the terminal, unless a file is named. Never the command line, which other
/// users of the machine can read.
#[derive(Debug, clap::Args)]
pub(crate) struct Passphrase {
    /// Read the passphrase from the first line of this file, which may be /dev/fd/N, instead of asking for it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Passphrase {
    /// The passphrase of the file; `None` to ask for it.
    fn read(&self) -> Result<Option<String>, String> {
        let Some(path) = &self.passphrase_file else {
            return Ok(None);
        };
        let text = fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
        Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
    }

    /// Reads a secret key, and its passphrase if it is encrypted.
    pub(crate) fn unlock(&self, path: &Path) -> Result<SecretKey, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
        let failed = |error: &dyn std::fmt::Display| {
            format!("{path:?} is not a secret key that can be used: {error}")
        };
        let boxed = || SecretKeyBox::from_string(&text).map_err(|error| failed(&error));
        // Only a key that was not encrypted is one without a passphrase.
        if let Ok(key) = boxed()?.into_unencrypted_secret_key() {
            return Ok(key);
        }
        if let Some(key) = unprotected(&text) {
            return Ok(key);
        }
        let key = boxed()?.into_secret_key(self.read()?);
        key.map_err(|error| match error.kind() {
            ErrorKind::Io => format!(
                "the passphrase of {path:?} cannot be asked for: {error}; without a terminal give --passphrase-file"
            ),
            _ => failed(&error),
        })
    }
}

/// A key that minisign's own program made without a passphrase (`-W`): it leaves out the checksum, which the library demands.
fn unprotected(text: &str) -> Option<SecretKey> {
    /// Algorithm, how it is encrypted, how it is checked; salt and two limits; number, key; checksum.
    const LENGTH: usize = 2 + 2 + 2 + 32 + 8 + 8 + 8 + 64 + 32;
    let bytes = base64(text.lines().nth(1)?.trim())?;
    let is_plain = bytes.len() == LENGTH
        && bytes.get(2..4)? == [0, 0]
        && bytes.get(LENGTH - 32..)?.iter().all(|byte| *byte == 0);
    is_plain
        .then(|| SecretKey::from_bytes(&bytes).ok())
        .flatten()
}

/// Decodes base64 with padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes();
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in digits {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

impl KeyCommand {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let told = match &self.command {
            Command::New(new) => new.make(),
            Command::List(store) => store.list(),
            Command::Trust(trust) => trust.add(),
            Command::Revoke(revoke) => revoke.mark(),
        };
        match told {
            Ok(lines) => {
                for line in lines {
                    output.line(&escape::sentence(&line))?;
                }
                Ok(Exit::Good)
            }
            Err(error) => {
                output::complain(&escape::sentence(&error));
                Ok(Exit::Problems)
            }
        }
    }
}

impl New {
    fn make(&self) -> Result<Vec<String>, String> {
        let (secret, public) = (ending(&self.name, "key"), ending(&self.name, "pub"));
        for path in [&secret, &public] {
            if is_there(path)? {
                return Err(format!(
                    "{path:?} exists already; a key is never written over"
                ));
            }
        }
        let pair = if self.without_passphrase {
            KeyPair::generate_unencrypted_keypair()
        } else {
            KeyPair::generate_encrypted_keypair(self.passphrase.read()?)
        };
        let failed = |error: &dyn std::fmt::Display| {
            format!("no key was made: {error}; without a terminal give --passphrase-file")
        };
        let pair = pair.map_err(|error| failed(&error))?;
        let number = number(&pair.pk.to_base64())?;
        let comment = format!("secret key {number} of plugwright");
        let text = pair
            .sk
            .to_box(Some(&comment))
            .map_err(|error| failed(&error))?;
        create(&secret, 0o600, &text.to_string()).map_err(|error| unwritable(&secret, &error))?;
        let text = format!(
            "untrusted comment: public key {number}\n{}\n",
            pair.pk.to_base64()
        );
        create(&public, 0o644, &text).map_err(|error| unwritable(&public, &error))?;
        Ok(vec![
            format!("wrote {secret:?}: keep it secret, and a copy of it in another place"),
            format!("wrote {public:?}: give it to whoever is to trust what you sign"),
            format!("the key's number is {number}"),
        ])
    }
}

/// Whether there is something at a path.
pub(crate) fn is_there(path: &Path) -> Result<bool, String> {
    path.try_exists()
        .map_err(|error| format!("{path:?}: {error}"))
}

fn ending(name: &Path, ending: &str) -> PathBuf {
    let mut name = name.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn number(public: &str) -> Result<String, String> {
    let public: PublicKey = public.parse().map_err(|error| format!("{error}"))?;
    Ok(public.id().to_string())
}

impl Store {
    fn read(&self) -> Result<Vec<Key>, String> {
        read_keys(&absolute(&self.store)?).map_err(|error| error.to_string())
    }

    fn write(&self, keys: &[Key]) -> Result<(), String> {
        let text = Key::write_store(keys).map_err(|error| error.to_string())?;
        replace(&self.store, &text)
    }

    fn list(&self) -> Result<Vec<String>, String> {
        let keys = self.read()?;
        let line = |key: &Key| {
            let list = |texts: Vec<String>| texts.join(", ");
            let ids = list(key.ids.iter().map(ToString::to_string).collect());
            let at_most = key.capabilities.as_ref().map(|capabilities| {
                let texts = capabilities.iter().map(ToString::to_string);
                format!("at most {}", list(texts.collect()))
            });
            let parts = [
                Some(format!("{} {} signs {ids}", key.public.id(), key.name)),
                at_most,
                key.from.map(|from| format!("from {from}")),
                key.until.map(|until| format!("until {until}")),
                key.revoked.as_ref().map(|why| format!("revoked: {why}")),
            ];
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            parts.join("; ")
        };
        Ok(keys.iter().map(line).collect())
    }
}

impl Trust {
    fn add(&self) -> Result<Vec<String>, String> {
        let public = match self.public.parse() {
            Ok(public) => public,
            Err(_) => {
                let path = &self.public;
                let text = fs::read_to_string(path);
                let text = text.map_err(|error| {
                    format!("{path:?} is neither a key nor a file with one: {error}")
                })?;
                let line = text.lines().nth(1).unwrap_or_default();
                line.trim()
                    .parse()
                    .map_err(|error| format!("{path:?}: {error}"))?
            }
        };
        let mut keys = if is_there(&self.store.store)? {
            self.store.read()?
        } else {
            Vec::new()
        };
        let mut key = Key::new(self.name.clone(), public, self.ids.clone())
            .with_validity(self.from, self.until);
        if !self.capability.is_empty() {
            key = key.with_capabilities(self.capability.clone());
        }
        let number = key.public.id();
        if let Some(known) = keys
            .iter()
            .find(|known| known.public.id() == number || known.name == self.name)
        {
            return Err(format!(
                "the store has the key {} {:?} already; edit {:?} to change what it may sign",
                known.public.id(),
                known.name,
                self.store.store
            ));
        }
        keys.push(key);
        self.store.write(&keys)?;
        Ok(vec![format!(
            "{number} is trusted as {:?} in {:?}",
            self.name, self.store.store
        )])
    }
}

impl Revoke {
    fn mark(&self) -> Result<Vec<String>, String> {
        let mut keys = self.store.read()?;
        let wanted =
            |key: &&mut Key| key.name == self.key || key.public.id().to_string() == self.key;
        let Some(key) = keys.iter_mut().find(wanted) else {
            return Err(format!(
                "{:?} has no key {:?}; `plugwright key list` has all",
                self.store.store, self.key
            ));
        };
        key.revoked = Some(self.reason.clone());
        let line = format!("{} {:?} does not count any more", key.public.id(), key.name);
        self.store.write(&keys)?;
        Ok(vec![line])
    }
}
