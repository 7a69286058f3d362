//! Binding without running: every version and symbol that is needed is defined somewhere in
//! the closure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::budget::Budget;
use crate::elf::symbols::Name;
use crate::limits;
use crate::untrusted::Untrusted;

use super::files::FileIdentity;
use super::resolve::{Loadable, Member, answers_to, problem};
use super::{ClosureProblem, ClosureProblemKind};

/// Of each library whose references were looked for once: what was found. In another
/// closure that has all of the libraries that define them, only what was left open has to
/// be looked for again.
pub(super) type KnownSymbols = HashMap<FileIdentity, Known>;

/// Which libraries define a library's references, and which references nothing defines.
#[derive(Debug)]
pub(super) struct Known {
    definers: HashSet<FileIdentity>,
    open: Vec<u32>,
}

/// Every version that a member needs of another is defined there. A library that defines
/// no versions at all satisfies every need, and weak needs may stay open.
pub(super) fn check_versions(members: &[Member], problems: &mut Vec<ClosureProblem>) {
    for (index, member) in (0..).zip(members) {
        let symbols = member
            .file
            .as_ref()
            .and_then(|file| file.module.symbols.as_ref());
        for need in symbols.iter().flat_map(|symbols| &symbols.needed) {
            let other = members
                .iter()
                .find(|member| answers_to(member, &need.library));
            let defined = other
                .and_then(|other| other.file.as_ref()?.module.symbols.as_ref())
                .map(|symbols| &symbols.defined);
            let Some(defined) = defined.filter(|defined| !defined.is_empty()) else {
                continue;
            };
            for version in need.versions.iter().filter(|version| !version.weak) {
                if defined.iter().any(|found| found.name == version.name) {
                    continue;
                }
                let mut told = problem(ClosureProblemKind::MissingVersion, index, members);
                told.library = Some(need.library.clone());
                told.version = Some(version.name.clone());
                problems.push(told);
            }
        }
    }
}

/// Every reference of every member is defined by some member.
pub(super) fn check_symbols(
    members: &[Member],
    known_symbols: &mut KnownSymbols,
    problems: &mut Vec<ClosureProblem>,
) {
    let loaded: Vec<(usize, &Arc<Loadable>)> = (0..)
        .zip(members)
        .filter_map(|(index, member)| Some((index, member.file.as_ref()?)))
        .collect();
    let all: HashSet<FileIdentity> = loaded
        .iter()
        .map(|(_, file)| file.identity.clone())
        .collect();
    for (index, file) in &loaded {
        let known = known_symbols.get(&file.identity);
        let known = known.filter(|known| known.definers.is_subset(&all));
        let found = undefined(file, known, members, &loaded);
        let open = found.open.clone();
        // What is known already holds for more closures than what is found now.
        if known.is_none() {
            known_symbols.insert(file.identity.clone(), found);
        }
        for symbol in &open {
            let Some((name, version)) = reference(file, *symbol) else {
                continue;
            };
            if problems.len() >= limits::CLOSURE_PROBLEMS {
                break;
            }
            let mut told = problem(ClosureProblemKind::UndefinedSymbol, *index, members);
            told.symbol = Some(name.into());
            told.version = version.cloned();
            problems.push(told);
        }
    }
}

/// The references of `file` that no member defines; of those only that `known` left open.
fn undefined(
    file: &Loadable,
    known: Option<&Known>,
    members: &[Member],
    loaded: &[(usize, &Arc<Loadable>)],
) -> Known {
    let mut definers = HashSet::new();
    let mut open = Vec::new();
    let Some(symbols) = &file.module.symbols else {
        return Known { definers, open };
    };
    // What cannot be found within the bound counts as undefined: nothing is passed over.
    let budget = Budget::new(limits::SYMBOL_TEXT);
    let mut check = |index: u32| {
        let Some(raw) = symbols
            .symbol(index)
            .filter(|raw| raw.is_strong_reference())
        else {
            return;
        };
        let name = symbols.name(&raw);
        if budget.spend(name.len()).is_none() {
            open.push(index);
            return;
        }
        let name = Name::new(name, &budget);
        let wanted = symbols.wanted(index);
        let version = wanted.map(|wanted| &wanted.version.name);
        let defines = |file: &Loadable| {
            let table = file.module.symbols.as_ref();
            table.is_some_and(|table| table.defines(&name, version))
        };
        // The library that the version names has the symbol nearly always.
        let hinted = wanted.and_then(|wanted| {
            let member = members
                .iter()
                .find(|member| answers_to(member, wanted.library))?;
            member.file.as_deref()
        });
        let in_order = loaded.iter().map(|(_, file)| &***file);
        match hinted
            .into_iter()
            .chain(in_order)
            .find(|file| defines(file))
        {
            Some(file) if definers.contains(&file.identity) => {}
            Some(file) => {
                definers.insert(file.identity.clone());
            }
            None => open.push(index),
        }
    };
    match known {
        Some(known) => known.open.iter().copied().for_each(&mut check),
        None => symbols.iter().for_each(|(index, _)| check(index)),
    }
    Known { definers, open }
}

fn reference(file: &Loadable, index: u32) -> Option<(&[u8], Option<&Untrusted>)> {
    let symbols = file.module.symbols.as_ref()?;
    let name = symbols.name(&symbols.symbol(index)?);
    let version = symbols.wanted(index).map(|wanted| &wanted.version.name);
    Some((name, version))
}
