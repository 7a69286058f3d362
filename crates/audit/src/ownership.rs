//! Whose word counts: who may own and write what is loaded.

use std::collections::BTreeSet;
use std::fmt;

use crate::options::Options;
use crate::os::{self, Stat};

/// The users and groups that are trusted: root, who reviews, and whom the options name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ownership {
    users: BTreeSet<u32>,
    groups: BTreeSet<u32>,
}

/// Who may write besides the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writers {
    Everyone,
    Group(u32),
}

impl Ownership {
    pub(crate) fn new(options: &Options) -> Self {
        let users = options.trusted_users.iter().copied();
        let groups = options.trusted_groups.iter().copied();
        Self {
            users: users.chain([0, os::effective_user()]).collect(),
            groups: groups.chain([0]).collect(),
        }
    }

    /// The same, and this user is trusted too.
    pub(crate) fn with_user(&self, uid: u32) -> Self {
        let mut own = self.clone();
        own.users.insert(uid);
        own
    }

    pub(crate) fn trusts(&self, uid: u32) -> bool {
        self.users.contains(&uid)
    }

    /// Who besides the owner may write, the worse first. A group that has its owner's number is the owner's own.
    pub(crate) fn other_writers(&self, stat: &Stat) -> Option<Writers> {
        if stat.mode & 0o002 != 0 {
            Some(Writers::Everyone)
        } else if stat.mode & 0o020 != 0 && !self.groups.contains(&stat.gid) && stat.gid != stat.uid
        {
            Some(Writers::Group(stat.gid))
        } else {
            None
        }
    }

    /// Everybody who may write, in words.
    pub(crate) fn writers(&self, stat: &Stat) -> String {
        let doubt = if self.trusts(stat.uid) {
            ""
        } else {
            ", who is not trusted,"
        };
        let owner = format!("user {}{doubt}", stat.uid);
        match self.other_writers(stat) {
            None => owner,
            Some(others) => format!("{owner} and {others}"),
        }
    }
}

impl fmt::Display for Writers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Group(gid) => write!(f, "group {gid}"),
        }
    }
}

/// Owner and mode in words.
pub(crate) fn in_words(stat: &Stat) -> String {
    let mode = stat.mode & 0o7777;
    format!("mode {mode:04o}, user {}, group {}", stat.uid, stat.gid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Tier;

    #[test]
    fn who_may_write() {
        let options = Options::new(Tier::Files).with_trusted_groups(vec![50]);
        let ownership = Ownership::new(&options);
        let check = |mode, uid, gid, expected| {
            let stat = Stat {
                mode,
                uid,
                gid,
                ..Stat::default()
            };
            assert_eq!(ownership.other_writers(&stat), expected, "{stat:?}");
        };
        check(0o755, 0, 0, None);
        check(0o775, 0, 0, None);
        check(0o775, 0, 50, None);
        check(0o775, 7, 7, None);
        check(0o775, 0, 7, Some(Writers::Group(7)));
        check(0o777, 0, 50, Some(Writers::Everyone));
    }
}
