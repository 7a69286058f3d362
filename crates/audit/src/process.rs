//! What the system says of a live process: proc(5). Nothing of it is stopped, attached to or changed; it may end at any time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::os::{self, Stat};

/// A process as it was for a moment.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) id: u32,
    /// Its program, if it may be known.
    pub(crate) program: Option<PathBuf>,
    pub(crate) status: Status,
    pub(crate) mappings: Vec<Mapping>,
    /// Its environment; `None` if it may not be read.
    pub(crate) environment: Option<Vec<Vec<u8>>>,
    /// What it takes for `/`, if that is another folder.
    pub(crate) other_root: Option<PathBuf>,
    /// Its open files; `None` if they may not be seen.
    pub(crate) descriptors: Option<Vec<Descriptor>>,
    /// What could not be read, and why.
    pub(crate) unread: Vec<(&'static str, io::Error)>,
}

/// The rights of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// The effective user.
    pub(crate) user: u32,
    /// The effective capabilities, bit by bit.
    pub(crate) capabilities: u64,
    /// Whether starting programs can give it no more rights.
    pub(crate) no_new_privileges: bool,
    /// Whether its system calls are filtered.
    pub(crate) is_filtered: bool,
}

/// A range of its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) is_writable: bool,
    pub(crate) is_executable: bool,
    pub(crate) inode: u64,
    /// What is mapped: a path, `[stack]` and its like, or nothing.
    pub(crate) name: Vec<u8>,
    /// What a stat of the mapped file itself says, where the system allows it.
    pub(crate) file: Option<Stat>,
}

/// An open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) number: u32,
    pub(crate) target: PathBuf,
    pub(crate) stat: Stat,
    /// Whether a program that it starts gets it too.
    pub(crate) is_inherited: bool,
}

/// Bytes of one file of proc that are read. A process with 65,530 mappings, the usual limit, has some 8 MiB of them.
const MOST: u64 = 64 << 20;
/// Open files that are looked at.
const MOST_DESCRIPTORS: usize = 4096;

impl Process {
    /// Looks at the process below `proc`.
    ///
    /// # Errors
    /// When it is not there, or its memory's map may not be read.
    pub(crate) fn read(proc: &Path, id: u32) -> io::Result<Self> {
        let folder = proc.join(id.to_string());
        let text = read(&folder.join("maps"))?;
        let mut unread = Vec::new();
        let mut told = |what, error| {
            // Only what is kept from the review is told; what the system does not have is not there for anybody.
            unread.push((what, error));
        };
        let mut mappings: Vec<Mapping> = text
            .split(|byte| *byte == b'\n')
            .filter_map(mapping)
            .collect();
        for mapping in &mut mappings {
            if mapping.inode != 0 && mapping.is_executable {
                let range = format!("map_files/{:x}-{:x}", mapping.start, mapping.end);
                let metadata = fs::metadata(folder.join(range)).ok();
                mapping.file = metadata.as_ref().map(os::stat);
            }
        }
        let status = match read(&folder.join("status")) {
            Ok(text) => status(&String::from_utf8_lossy(&text)),
            Err(error) => {
                told("status", error);
                Status::default()
            }
        };
        let program = fs::read_link(folder.join("exe")).ok();
        let environment = match read(&folder.join("environ")) {
            Ok(text) => Some(text.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()),
            Err(error) => {
                told("environment", error);
                None
            }
        };
        let root = fs::read_link(folder.join("root")).ok();
        let descriptors = match descriptors(&folder) {
            Ok(descriptors) => Some(descriptors),
            Err(error) => {
                told("open files", error);
                None
            }
        };
        Ok(Self {
            id,
            program,
            status,
            mappings,
            environment,
            other_root: root.filter(|root| root != Path::new("/")),
            descriptors,
            unread,
        })
    }

    /// Whether it has more rights than an ordinary user.
    pub(crate) const fn is_privileged(&self) -> bool {
        self.status.user == 0 || self.status.capabilities != 0
    }

    /// The files that it has mapped to execute them, each once, in the order of their addresses.
    pub(crate) fn code(&self) -> impl Iterator<Item = (&Mapping, PathBuf)> {
        let mut seen = std::collections::BTreeSet::new();
        let code = self.mappings.iter().filter(|mapping| mapping.is_executable);
        code.filter_map(move |mapping| {
            let path = mapping.path()?;
            seen.insert(path.clone()).then_some((mapping, path))
        })
    }
}

impl Mapping {
    /// The path of the mapped file, without the word that the kernel adds to one that is gone. A file's own name can end with
    /// that word, so it proves nothing.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let name = self.name.strip_suffix(b" (deleted)").unwrap_or(&self.name);
        let is_path = name.starts_with(b"/") && !name.starts_with(b"/memfd:");
        is_path.then(|| os::path(&unescaped(name)))
    }
}

/// The ids of all processes below `proc`, in their order.
///
/// # Errors
/// When they cannot be listed.
pub(crate) fn all(proc: &Path) -> io::Result<Vec<u32>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(proc)? {
        ids.extend(
            entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok()),
        );
    }
    ids.sort_unstable();
    Ok(ids)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One line of `maps`: addresses, access, offset, device, inode, name.
fn mapping(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let mut field = || {
        let start = rest.iter().position(|byte| *byte != b' ')?;
        let from = rest.get(start..)?;
        let end = from
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(from.len());
        let (field, after) = from.split_at_checked(end)?;
        rest = after;
        Some(field)
    };
    let range = std::str::from_utf8(field()?).ok()?;
    let access = field()?;
    let (_offset, _device) = (field()?, field()?);
    let inode = std::str::from_utf8(field()?).ok()?.parse().ok()?;
    let start = rest.iter().position(|byte| *byte != b' ');
    let name = start
        .and_then(|start| rest.get(start..))
        .unwrap_or_default();
    let (start, end) = range.split_once('-')?;
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        is_writable: access.get(1) == Some(&b'w'),
        is_executable: access.get(2) == Some(&b'x'),
        inode,
        name: name.to_vec(),
        file: None,
    })
}

/// A name in `maps` with its line ends, which the kernel writes as `\012`, put back.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\\012") {
            out.push(b'\n');
            rest = after;
        } else {
            out.push(*byte);
            rest = after;
        }
    }
    out
}

fn status(text: &str) -> Status {
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.trim())
    };
    Status {
        // Real, effective, saved, of the file system.
        user: field("Uid")
            .and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok())
            .unwrap_or_default(),
        capabilities: field("CapEff")
            .and_then(|bits| u64::from_str_radix(bits, 16).ok())
            .unwrap_or_default(),
        no_new_privileges: field("NoNewPrivs") == Some("1"),
        is_filtered: field("Seccomp").is_some_and(|mode| mode != "0"),
    }
}

fn descriptors(folder: &Path) -> io::Result<Vec<Descriptor>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder.join("fd"))?.take(MOST_DESCRIPTORS) {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str()?.parse().ok());
        // It may have been closed meanwhile.
        let (Some(number), Ok(target), Ok(metadata)) =
            (number, fs::read_link(&path), fs::metadata(&path))
        else {
            continue;
        };
        let info = read(&folder.join(format!("fdinfo/{number}"))).unwrap_or_default();
        let info = String::from_utf8_lossy(&info).into_owned();
        let mut lines = info.lines().filter_map(|line| line.strip_prefix("flags:"));
        let flags = lines
            .next()
            .and_then(|flags| u64::from_str_radix(flags.trim(), 8).ok());
        all.push(Descriptor {
            number,
            target,
            stat: os::stat(&metadata),
            // O_CLOEXEC
            is_inherited: flags.is_some_and(|flags| flags & 0o2_000_000 == 0),
        });
    }
    all.sort_by_key(|descriptor| descriptor.number);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        #[track_caller]
        fn check(line: &str, expected: Option<(u64, bool, u64, &str)>) {
            let found = mapping(line.as_bytes());
            let found = found.as_ref().map(|found| {
                let name = std::str::from_utf8(&found.name).expect("text");
                (found.start, found.is_executable, found.inode, name)
            });
            assert_eq!(found, expected, "{line}");
        }
        check(
            "7f00-7f10 r-xp 00001000 fe:00 42                 /usr/lib/lib a.so (deleted)",
            Some((0x7f00, true, 42, "/usr/lib/lib a.so (deleted)")),
        );
        check(
            "7f00-7f10 rw-p 00000000 00:00 0 ",
            Some((0x7f00, false, 0, "")),
        );
        check("", None);
        check("x-y r-xp 0 0 0", None);
    }

    #[test]
    fn names_have_their_line_ends_back() {
        let line = b"1-2 r-xp 0 fe:00 1 /tmp/a\\012b (deleted)";
        let path = mapping(line).and_then(|mapping| mapping.path());
        assert_eq!(path, Some(PathBuf::from("/tmp/a\nb")));
        let memory = mapping(b"1-2 r-xp 0 00:01 1 /memfd:x (deleted)");
        assert_eq!(memory.and_then(|mapping| mapping.path()), None);
    }

    #[test]
    fn a_status_tells_the_rights() {
        let text =
            "Name:\ta\nUid:\t7\t8\t9\t10\nCapEff:\t0000000000000003\nNoNewPrivs:\t1\nSeccomp:\t2\n";
        let expected = Status {
            user: 8,
            capabilities: 3,
            no_new_privileges: true,
            is_filtered: true,
        };
        assert_eq!(status(text), expected);
    }
}
