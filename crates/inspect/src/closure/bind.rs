//! Binding without running: every version and symbol that is needed is defined somewhere in
//! the closure.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::budget::Budget;
use crate::elf::symbols::{Name, SymbolTable};
use crate::limits;
use crate::untrusted::Untrusted;

use super::resolve::{Members, problem};
use super::shared::{Loadable, lock};
use super::{ClosureProblem, ClosureProblemKind};

/// Of each library whose references were looked for once, by its number: what was found. In
/// another closure that has all of the libraries that define them, only what was left open
/// has to be looked for again.
pub(super) type KnownSymbols = Mutex<HashMap<u32, Arc<Known>>>;

/// Which libraries define a library's references, and which references nothing defines.
#[derive(Debug)]
pub(super) struct Known {
    definers: HashSet<u32>,
    open: Vec<u32>,
}

/// The libraries of a closure that were read, in the loader's order, and their numbers.
struct Loaded<'m> {
    members: &'m Members,
    files: Vec<(usize, &'m Arc<Loadable>)>,
    numbers: HashSet<u32>,
}

/// Every version that a member needs of another is defined there. A library that defines
/// no versions at all satisfies every need, and weak needs may stay open.
pub(super) fn check_versions(members: &Members, problems: &mut Vec<ClosureProblem>) {
    for (index, member) in (0..).zip(&members.all) {
        let Some(file) = &member.file else { continue };
        let symbols = file.module.symbols.iter();
        let needs = symbols.flat_map(|symbols| &symbols.needed);
        for (need, library) in needs.zip(&file.version_libraries) {
            let other = members.answering(*library, &need.library);
            let defined = other
                .and_then(|other| members.all.get(other)?.file.as_ref())
                .and_then(|other| other.module.symbols.as_ref())
                .map(|symbols| &symbols.defined);
            let Some(defined) = defined.filter(|defined| !defined.is_empty()) else {
                continue;
            };
            for version in need.versions.iter().filter(|version| !version.weak) {
                if defined.iter().any(|found| found.name == version.name) {
                    continue;
                }
                let mut told = problem(ClosureProblemKind::MissingVersion, index, &members.all);
                told.library = Some(need.library.clone());
                told.version = Some(version.name.clone());
                problems.push(told);
            }
        }
    }
}

/// Every reference of every member is defined by some member.
pub(super) fn check_symbols(
    members: &Members,
    known_symbols: &KnownSymbols,
    problems: &mut Vec<ClosureProblem>,
) {
    let files = (0..).zip(&members.all);
    let files = files.filter_map(|(index, member)| Some((index, member.file.as_ref()?)));
    let files: Vec<_> = files.collect();
    let loaded = Loaded {
        members,
        numbers: files.iter().map(|(_, file)| file.number).collect(),
        files,
    };
    for (index, file) in &loaded.files {
        let known = lock(known_symbols).get(&file.number).map(Arc::clone);
        let known = known.filter(|known| known.definers.is_subset(&loaded.numbers));
        let found = match known {
            Some(known) if known.open.is_empty() => continue,
            Some(known) => Arc::new(undefined(file, Some(&known), &loaded)),
            // What is known already holds for more closures than what is found now.
            None => {
                let found = Arc::new(undefined(file, None, &loaded));
                lock(known_symbols).insert(file.number, Arc::clone(&found));
                found
            }
        };
        for symbol in &found.open {
            let Some((name, version)) = reference(file, *symbol) else {
                continue;
            };
            if problems.len() >= limits::CLOSURE_PROBLEMS {
                break;
            }
            let mut told = problem(ClosureProblemKind::UndefinedSymbol, *index, &members.all);
            told.symbol = Some(name.into());
            told.version = version.cloned();
            problems.push(told);
        }
    }
}

/// The references of `file` that no member defines; of those only that `known` left open.
fn undefined(file: &Loadable, known: Option<&Known>, loaded: &Loaded<'_>) -> Known {
    let mut definers = HashSet::new();
    let mut open = Vec::new();
    let Some(symbols) = &file.module.symbols else {
        return Known { definers, open };
    };
    let wishes = Wishes::of(file, symbols, loaded);
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
        let wish = wishes.of_symbol(symbols, index);
        let version = wish.map(|wish| wish.version);
        let defines = |file: &Loadable| {
            let table = file.module.symbols.as_ref();
            table.is_some_and(|table| table.defines(&name, version))
        };
        // The library that the version names has the symbol nearly always.
        let hinted = wish.and_then(|wish| wish.library);
        let in_order = loaded.files.iter().map(|(_, file)| &***file);
        match hinted
            .into_iter()
            .chain(in_order)
            .find(|file| defines(file))
        {
            Some(file) => {
                definers.insert(file.number);
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

/// The versions that a library wants, by the numbers under which its symbols speak of them.
struct Wishes<'a>(HashMap<u16, Wish<'a>>);

#[derive(Clone, Copy)]
struct Wish<'a> {
    version: &'a Untrusted,
    /// The library that is to define it, if the closure has it.
    library: Option<&'a Loadable>,
}

impl<'a> Wishes<'a> {
    fn of(file: &Loadable, symbols: &'a SymbolTable, loaded: &Loaded<'a>) -> Self {
        let mut wishes = HashMap::new();
        for (need, number) in symbols.needed.iter().zip(&file.version_libraries) {
            let member = loaded.members.answering(*number, &need.library);
            let member = member.and_then(|member| loaded.members.all.get(member));
            let library = member.and_then(|member| member.file.as_deref());
            for version in &need.versions {
                wishes.entry(version.index).or_insert(Wish {
                    version: &version.name,
                    library,
                });
            }
        }
        Self(wishes)
    }

    fn of_symbol(&self, symbols: &SymbolTable, index: u32) -> Option<Wish<'a>> {
        let version = symbols.version(index)?;
        self.0.get(&version).copied()
    }
}

fn reference(file: &Loadable, index: u32) -> Option<(&[u8], Option<&Untrusted>)> {
    let symbols = file.module.symbols.as_ref()?;
    let name = symbols.name(&symbols.symbol(index)?);
    let version = symbols.wanted(index).map(|wanted| &wanted.version.name);
    Some((name, version))
}
