//! What is known of a panic, from the hook that sees it to the boundary that takes it to the host.

use std::cell::RefCell;
use std::io::Write;
use std::panic::PanicHookInfo;

use super::message;

/// What is known of a panic.
#[derive(Default)]
pub(super) struct Note {
    pub(super) message: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// The latest panic of this thread, until a boundary takes it. A panic that a boundary
/// never takes (on a thread of the plugin's own, or caught by the plugin itself) is printed
/// when the thread ends or panics again. Nothing here costs a call that does not panic,
/// and the thread-local's destructor is registered by a panic only.
struct Latest(Option<Note>);

impl Drop for Latest {
    fn drop(&mut self) {
        if let Some(note) = self.0.take() {
            note.print();
        }
    }
}

thread_local! {
    static LATEST: RefCell<Latest> = const { RefCell::new(Latest(None)) };
}

/// The plugin's panic hook: keeps what there is to know, and prints nothing.
pub(super) fn note_panic(info: &PanicHookInfo<'_>) {
    let (file, line, column) = info.location().map_or_else(Default::default, |location| {
        (
            location.file().to_owned(),
            location.line(),
            location.column(),
        )
    });
    let note = Note {
        message: message(info.payload()),
        file,
        line,
        column,
    };
    let mut note = Some(note);
    let previous = LATEST.try_with(|latest| {
        let mut latest = latest.try_borrow_mut().ok()?;
        std::mem::replace(&mut latest.0, note.take())
    });
    // The thread is ending already, or nobody took the panic before this one.
    for untaken in [note, previous.unwrap_or_default()].into_iter().flatten() {
        untaken.print();
    }
}

/// The latest panic of this thread, which is nobody else's then.
pub(super) fn take_note() -> Option<Note> {
    LATEST
        .try_with(|latest| latest.try_borrow_mut().ok()?.0.take())
        .ok()
        .flatten()
}

impl Note {
    /// What there is to say without a place.
    pub(super) fn of(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }

    pub(super) fn print(&self) {
        // What std prints for a panic that nobody catches. A write that fails has nobody
        // left to be told.
        let _ = writeln!(
            std::io::stderr(),
            "a thread of a plugin panicked at {}:{}:{}:\n{}",
            self.file,
            self.line,
            self.column,
            self.message
        );
    }
}
