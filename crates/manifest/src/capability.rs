//! What a plugin may ask to be allowed: the words for it, and which of them covers which.
//!
//! A capability is a text of a fixed grammar, so that a person can read it in a policy and
//! the compiler can check it in an attribute:
//!
//! | text | what it is |
//! |---|---|
//! | `files:read:/usr/share/press` | reading that file, or all below that folder |
//! | `files:write:/var/lib/press` | reading and writing it, or all below it |
//! | `network:example.org:443` | connections to that host and port; `*` for any host, any port |
//! | `environment:HOME` | reading that environment variable; `*` for any |
//! | `processes` | starting child processes |
//! | `memory:256MiB` | so much memory; `KiB`, `MiB` and `GiB` are units of 1,024 |
//! | `threads:4` | so many threads of its own |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The most bytes in a capability's text.
pub const MAX_CAPABILITY: usize = 512;

/// Something that a plugin asks for and a policy grants.
///
/// ```
/// use plugwright_manifest::Capability;
///
/// let granted: Capability = "files:read:/usr/share".parse()?;
/// assert!(granted.covers(&"files:read:/usr/share/press/table".parse()?));
/// assert!(!granted.covers(&"files:read:/usr/share-of-others".parse()?));
/// assert!(!granted.covers(&"files:write:/usr/share/press".parse()?));
/// # Ok::<(), plugwright_manifest::ParseCapabilityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Reading a file, or all that lies below a folder. An absolute path without `.` and
    /// `..`, without a slash at its end.
    Read(String),
    /// Reading and writing a file, or all that lies below a folder; a path as above.
    Write(String),
    /// Connections to a host (`None` for any) and a port (`None` for any).
    Network {
        /// A host's name or address in lower case; one with colons in it in brackets.
        host: Option<String>,
        /// A port's number.
        port: Option<u16>,
    },
    /// Reading an environment variable; `None` for any.
    Environment(Option<String>),
    /// Starting child processes.
    Processes,
    /// This many bytes of memory.
    Memory(u64),
    /// This many threads of its own.
    Threads(u32),
}

impl Capability {
    /// Whether who was granted `self` may do what `asked` is.
    #[must_use]
    pub fn covers(&self, asked: &Self) -> bool {
        fn all_or<T: PartialEq>(granted: Option<&T>, asked: Option<&T>) -> bool {
            granted.is_none() || granted == asked
        }
        match (self, asked) {
            (Self::Read(granted) | Self::Write(granted), Self::Read(asked))
            | (Self::Write(granted), Self::Write(asked)) => is_below(asked, granted),
            (Self::Network { host, port }, Self::Network { host: to, port: at }) => {
                all_or(host.as_ref(), to.as_ref()) && all_or(port.as_ref(), at.as_ref())
            }
            (Self::Environment(granted), Self::Environment(asked)) => {
                all_or(granted.as_ref(), asked.as_ref())
            }
            (Self::Processes, Self::Processes) => true,
            (Self::Memory(granted), Self::Memory(asked)) => granted >= asked,
            (Self::Threads(granted), Self::Threads(asked)) => granted >= asked,
            _ => false,
        }
    }
}

/// Whether `path` is `folder` or lies below it, step by step and not letter by letter.
fn is_below(path: &str, folder: &str) -> bool {
    match path.strip_prefix(folder) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || folder == "/",
        None => false,
    }
}

/// A text that is not a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCapabilityError {
    found: String,
    expected: &'static str,
}

impl fmt::Display for ParseCapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{:?}` escapes what the text may do to a terminal.
        write!(f, "expected {}, found {:?}", self.expected, self.found)
    }
}

impl std::error::Error for ParseCapabilityError {}

impl FromStr for Capability {
    type Err = ParseCapabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|expected| ParseCapabilityError {
            found: text.chars().take(MAX_CAPABILITY).collect(),
            expected,
        })
    }
}

fn parse(text: &str) -> Result<Capability, &'static str> {
    if text.len() > MAX_CAPABILITY || text.chars().any(char::is_control) {
        return Err("a capability of at most 512 bytes without control characters");
    }
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (text, None),
    };
    match (kind, rest) {
        ("files", Some(rest)) => {
            let make = match rest.split_once(':') {
                Some(("read", path)) => (Capability::Read as fn(_) -> _, path),
                Some(("write", path)) => (Capability::Write as fn(_) -> _, path),
                _ => return Err("`files:read:/path` or `files:write:/path`"),
            };
            is_plain(make.1)
                .then(|| make.0(make.1.to_owned()))
                .ok_or("an absolute path without `.`, `..` and a slash at its end")
        }
        ("network", Some(rest)) => network(rest).ok_or(
            "`network:HOST:PORT`: a host in lower case (an IPv6 address in brackets) or `*`, and a number or `*`",
        ),
        ("environment", Some("*")) => Ok(Capability::Environment(None)),
        ("environment", Some(name)) if !name.is_empty() && !name.contains('=') => {
            Ok(Capability::Environment(Some(name.to_owned())))
        }
        ("environment", _) => Err("`environment:NAME` or `environment:*`"),
        ("processes", None) => Ok(Capability::Processes),
        ("memory", Some(size)) => {
            let size = memory(size).ok_or("`memory:` and a size, as in `memory:256MiB`")?;
            Ok(Capability::Memory(size))
        }
        ("threads", Some(count)) => {
            let count = number(count).and_then(|count| u32::try_from(count).ok());
            count
                .map(Capability::Threads)
                .ok_or("`threads:` and a number, as in `threads:4`")
        }
        _ => Err(
            "one of `files:read:/path`, `files:write:/path`, `network:host:port`, \
             `environment:NAME`, `processes`, `memory:256MiB`, `threads:4`",
        ),
    }
}

fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    rest.is_empty() || rest.split('/').all(|step| !matches!(step, "" | "." | ".."))
}

fn network(text: &str) -> Option<Capability> {
    let (host, port) = text.rsplit_once(':')?;
    let host = match host {
        "*" => None,
        host => {
            let (inner, extra): (_, &[u8]) = match host.strip_prefix('[') {
                Some(address) => (address.strip_suffix(']')?, b":"),
                None => (host, b"-."),
            };
            let fits = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || extra.contains(&byte)
            };
            if inner.is_empty() || !inner.bytes().all(fits) {
                return None;
            }
            Some(host.to_owned())
        }
    };
    let port = match port {
        "*" => None,
        port => Some(number(port).and_then(|port| u16::try_from(port).ok())?),
    };
    Some(Capability::Network { host, port })
}

/// Digits alone: `parse` would take a sign, too.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

fn memory(text: &str) -> Option<u64> {
    let unit = |(unit, factor)| Some((text.strip_suffix(unit)?, factor));
    let (count, factor) = UNITS.into_iter().find_map(unit).unwrap_or((text, 1));
    number(count)?.checked_mul(factor)
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) => write!(f, "files:read:{path}"),
            Self::Write(path) => write!(f, "files:write:{path}"),
            Self::Network { host, port } => {
                write!(f, "network:{}:", host.as_deref().unwrap_or("*"))?;
                match port {
                    Some(port) => write!(f, "{port}"),
                    None => f.write_str("*"),
                }
            }
            Self::Environment(name) => {
                write!(f, "environment:{}", name.as_deref().unwrap_or("*"))
            }
            Self::Processes => f.write_str("processes"),
            Self::Memory(size) => {
                let whole = |unit: &(&str, u64)| *size > 0 && size.is_multiple_of(unit.1);
                match UNITS.iter().find(|unit| whole(unit)) {
                    Some((unit, factor)) => write!(f, "memory:{}{unit}", size / factor),
                    None => write!(f, "memory:{size}"),
                }
            }
            Self::Threads(count) => write!(f, "threads:{count}"),
        }
    }
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[&str] = &[
        "files:read:/",
        "files:read:/usr/share",
        "files:write:/var/lib/press",
        "network:example.org:443",
        "network:[::1]:80",
        "network:*:443",
        "network:example.org:*",
        "network:*:*",
        "environment:HOME",
        "environment:*",
        "processes",
        "memory:0",
        "memory:1000",
        "memory:256MiB",
        "memory:3GiB",
        "threads:4",
    ];

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in ALL {
            let capability: Capability = text.parse().expect(text);
            assert_eq!(capability.to_string(), *text);
            assert!(capability.covers(&capability));
        }
        assert_eq!("memory:1024".parse(), Ok(Capability::Memory(1024)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "files",
            "files:/x",
            "files:read:x",
            "files:read:/x/",
            "files:read:/x/../y",
            "files:read:/x//y",
            "files:run:/x",
            "network:Example.org:1",
            "network:a:65536",
            "network::1",
            "network:a",
            "network:a/b:1",
            "network:::1:80",
            "environment:",
            "environment:A=B",
            "environment",
            "processes:2",
            "memory:",
            "memory:1TB",
            "memory:+1",
            "memory:99999999999GiB",
            "threads:-1",
            "threads:4294967296",
            "anything",
            "files:read:/\u{1b}[2J",
            "PROCESSES",
        ] {
            assert!(text.parse::<Capability>().is_err(), "{text:?}");
        }
        assert!(
            format!("files:read:/{}", "x".repeat(MAX_CAPABILITY))
                .parse::<Capability>()
                .is_err()
        );
    }

    #[track_caller]
    fn check(granted: &str, asked: &str, covers: bool) {
        let parse = |text: &str| text.parse::<Capability>().expect(text);
        assert_eq!(
            parse(granted).covers(&parse(asked)),
            covers,
            "{granted} {asked}"
        );
    }

    #[test]
    fn a_grant_covers_what_lies_within_it() {
        check("files:read:/", "files:read:/etc/passwd", true);
        check("files:read:/opt/app", "files:read:/opt/app-evil", false);
        check("files:read:/opt/app/x", "files:read:/opt/app", false);
        check("files:write:/opt", "files:read:/opt/x", true);
        check("files:read:/opt", "files:write:/opt/x", false);
        check("network:*:443", "network:a:443", true);
        check("network:a:*", "network:a:443", true);
        check("network:a:443", "network:*:443", false);
        check("network:a:443", "network:a:*", false);
        check("network:a:443", "network:b:443", false);
        check("environment:*", "environment:HOME", true);
        check("environment:HOME", "environment:*", false);
        check("memory:2MiB", "memory:1MiB", true);
        check("memory:1MiB", "memory:2MiB", false);
        check("threads:4", "threads:5", false);
        check("processes", "threads:1", false);
    }
}
