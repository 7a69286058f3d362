//! Whether the dynamic linker loaded a library since a certain moment, or had it already: glibc only.
//!
//! glibc keeps its libraries in a list, in the order in which they were loaded, and tells how many it loaded and unloaded in
//! all. If `n` were loaded since the moment, and none was unloaded, then those are the last `n` of the list. That other threads
//! load libraries at the same time changes nothing in this.

use super::linux::{LinkMap, link_map};
use super::{Came, Handle, Spelling};
use std::ffi::{c_int, c_void};
use std::ptr;

/// A moment: how many libraries were loaded and unloaded until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loads {
    loaded: u64,
    unloaded: u64,
}

impl Loads {
    /// The moment before a load; which library that is of does not matter.
    pub(crate) fn before(_text: &Spelling) -> Self {
        Self::now()
    }

    fn now() -> Self {
        let nothing = Self {
            loaded: 0,
            unloaded: 0,
        };
        Question::ask(nothing, None).now
    }

    /// Whether an open library was loaded after this moment.
    pub(crate) fn came(self, handle: Handle) -> Came {
        link_map(handle).map_or(Came::Perhaps, |library| {
            Question::ask(self, Some(library)).came
        })
    }
}

/// What is asked while the dynamic linker holds the lock under which it changes its list.
struct Question {
    since: Loads,
    library: Option<&'static LinkMap>,
    now: Loads,
    came: Came,
}

impl Question {
    fn ask(since: Loads, library: Option<&'static LinkMap>) -> Self {
        let mut question = Self {
            since,
            library,
            now: since,
            came: Came::Perhaps,
        };
        // SAFETY: `answer` is given the type that it expects, and `question` outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(answer), ptr::from_mut(&mut question).cast()) };
        question
    }
}

/// Is called for the first library of the list, and asks for no more.
unsafe extern "C" fn answer(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    question: *mut c_void,
) -> c_int {
    // SAFETY: `question` is the pointer that was given to `dl_iterate_phdr` above, which nobody else uses meanwhile.
    let question = unsafe { &mut *question.cast::<Question>() };
    // SAFETY: the dynamic linker hands out a valid description for the time of this call.
    let info = unsafe { &*info };
    question.now = Loads {
        loaded: info.dlpi_adds,
        unloaded: info.dlpi_subs,
    };
    let new = question.now.loaded.saturating_sub(question.since.loaded);
    // Whatever was loaded since is among the last; where some of that was unloaded again, others are, too.
    question.came = match question.library {
        Some(library) if !is_among_last(library, new) => Came::Before,
        Some(_) if question.now.unloaded == question.since.unloaded => Came::After,
        _ => Came::Perhaps,
    };
    1
}

/// Whether an entry of the list is one of the last `count`. To be asked while nobody changes the list.
fn is_among_last(library: &LinkMap, count: u64) -> bool {
    let mut entry = ptr::from_ref(library);
    for _ in 0..count {
        // SAFETY: it is an entry of the list, and the list is not changed meanwhile.
        entry = unsafe { (*entry).next };
        if entry.is_null() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::unix;
    use plugwright_testkit::cc;
    use std::ffi::CString;

    fn open(name: &str) -> Handle {
        let source = format!("int number(void) {{ return {}; }}", name.len());
        let path = cc::shared(name, &source, &[]);
        let text = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: it has no constructors.
        unsafe { unix::open_with(&text, libc::RTLD_NOW) }.unwrap()
    }

    #[test]
    fn what_was_there_before_is_told_from_what_came_after() {
        let before = Loads::now();
        let first = open("libloadedfirst.so");
        assert_eq!(before.came(first), Came::After);
        let between = Loads::now();
        let second = open("libloadedsecond.so");
        assert_eq!(between.came(second), Came::After);
        // Opened again, and found to be there, although something was loaded meanwhile.
        assert_eq!(open("libloadedfirst.so"), first);
        assert_eq!(between.came(first), Came::Before);
        assert_eq!(Loads::now().came(second), Came::Before);
        assert_eq!(
            (before.came(first), before.came(second)),
            (Came::After, Came::After)
        );
        // Once something was unloaded, the numbers say less, and never that what is new was there.
        let third = open("libloadedthird.so");
        // SAFETY: nothing of it is used.
        unsafe { unix::close(third) }.unwrap();
        assert_eq!(before.came(second), Came::Perhaps);
        assert_eq!(Loads::now().came(second), Came::Before);
    }
}
