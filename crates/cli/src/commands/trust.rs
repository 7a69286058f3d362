//! `plugwright trust`: one file that is trusted as it is, so that nobody turns a check off for its sake.

use std::fs;
use std::io;
use std::path::PathBuf;

use plugwright_evidence::digest;
use plugwright_trust::{Digest, Policy};

use super::judged::Folder;
use crate::exit::Exit;
use crate::output::{self, Output, escape};
use crate::write::replace;

const EXAMPLES: &str = "\
Examples:
  plugwright trust digest libzstd.so                      a line for a policy
  plugwright trust digest libzstd.so --policy app.policy  writes it there";

/// Trust single files
#[derive(Debug, clap::Args)]
#[command(before_help = EXAMPLES)]
pub(crate) struct Trust {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Trust these very bytes: they need no signature, no pin and no entry in the lock file
    Digest(File),
}

#[derive(Debug, clap::Args)]
struct File {
    /// The plugin
    file: PathBuf,

    /// The policy file that is to trust it; its comments stay
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Trust {
    pub(crate) fn run(&self, output: &mut Output) -> io::Result<Exit> {
        let Command::Digest(file) = &self.command;
        match file.trust() {
            Ok(line) => {
                output.line(&escape::sentence(&line))?;
                Ok(Exit::Good)
            }
            Err(error) => {
                output::complain(&escape::sentence(&error));
                Ok(Exit::Problems)
            }
        }
    }
}

impl File {
    fn trust(&self) -> Result<String, String> {
        let folder = Folder::open(&self.file)?;
        let [name] = folder.names.as_slice() else {
            return Err(format!("{:?} is a folder; name a file in it", self.file));
        };
        let opened = folder
            .root
            .open_file(name)
            .map_err(|error| error.to_string())?;
        let file = opened.file();
        let digest = digest(file);
        let digest = digest.map_err(|error| format!("{:?}: {error}", self.file))?;
        let Some(path) = &self.policy else {
            return Ok(format!("trusted = [\"{digest}\"]"));
        };
        let text = fs::read_to_string(path).map_err(|error| format!("{path:?}: {error}"))?;
        let policy = Policy::parse(&text).map_err(|error| format!("{path:?}: {error}"))?;
        if policy.trusted.contains(&digest) {
            return Ok(format!("{path:?} trusts {digest} already"));
        }
        let wanted = policy.with_trusted(digest);
        // The text is changed and not written anew, so that comments stay; what came out is compared with what was meant.
        let changed = insert(&text, digest);
        if Policy::parse(&changed) != Ok(wanted) {
            return Err(format!(
                "{path:?} has a form that this program does not change; add \"{digest}\" to its list `trusted`"
            ));
        }
        replace(path, &changed)?;
        Ok(format!("{path:?} trusts {digest} now"))
    }
}

/// The policy's text with one more digest in its list `trusted`.
fn insert(text: &str, digest: Digest) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let starts = |line: &String, name: &str| {
        let rest = line.strip_prefix(name).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('='))
    };
    if let Some(line) = lines.iter_mut().find(|line| starts(line, "trusted")) {
        *line = line.replacen('[', &format!("[\"{digest}\", "), 1);
    } else {
        let at = lines.iter().position(|line| starts(line, "preset"));
        let at = at.map_or(lines.len(), |at| at + 1);
        lines.insert(at, format!("trusted = [\"{digest}\"]"));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let digest = Digest::from_bytes([0; 32]);
        let changed = insert(text, digest);
        assert_eq!(changed.replace(&"0".repeat(64), "00"), expected);
        let wanted = Policy::parse(text).expect("a policy").with_trusted(digest);
        assert_eq!(Policy::parse(&changed), Ok(wanted));
    }

    #[test]
    fn the_digest_comes_into_the_list_and_the_rest_stays() {
        check(
            "# ours\nversion = 1\npreset = \"server\" # strict\n[pins]\n",
            "# ours\nversion = 1\npreset = \"server\" # strict\ntrusted = [\"00\"]\n[pins]\n",
        );
        let other = "1".repeat(64);
        check(
            &format!("version = 1\ntrusted = [\n  \"{other}\", # theirs\n]\npreset = \"server\"\n"),
            &format!(
                "version = 1\ntrusted = [\"00\", \n  \"{other}\", # theirs\n]\npreset = \"server\"\n"
            ),
        );
    }
}
