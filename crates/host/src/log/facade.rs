//! Into the program's `tracing` subscriber: five callsites, one for each level, with the
//! target `plugwright::plugin` and the plugin's id as a field. `tracing` keeps callsites for
//! ever and wants the names of fields when the program is compiled, so a plugin, which comes
//! and whose fields nobody knew, cannot bring its own.

use std::fmt::{self, Write as _};
use std::sync::Once;

use plugwright_plugin::context::{Event, Level};

/// The most characters of a text of a plugin's that are shown.
const MOST: usize = 16 * 1024;

/// A plugin's text, of which nothing ends a line or acts on a terminal.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars().take(MOST) {
            if letter.is_control() {
                write!(f, "{}", letter.escape_debug())?;
            } else {
                f.write_char(letter)?;
            }
        }
        if self.0.chars().nth(MOST).is_some() {
            f.write_str(" [cut]")?;
        }
        Ok(())
    }
}

macro_rules! levels {
    ($($level:ident = $theirs:ident),*) => {
        /// Whether the program's subscriber reads events of plugins of this level.
        pub(crate) fn is_enabled(level: Level) -> bool {
            match level {
                $(Level::$level => tracing::enabled!(
                    target: "plugwright::plugin",
                    tracing::Level::$theirs,
                    { plugin, source, fields, file, line, message }
                ),)*
            }
        }

        /// Hands an event of `plugin` to the program's subscriber.
        pub(crate) fn emit(plugin: &str, event: Event<'_>) {
            let shown = |text| tracing::field::display(Shown(text));
            let fields = (!event.fields.is_empty()).then_some(shown(event.fields));
            let file = (!event.file.is_empty()).then_some(shown(event.file));
            let line = (event.line != 0).then_some(event.line);
            match event.level {
                $(Level::$level => tracing::event!(
                    target: "plugwright::plugin",
                    tracing::Level::$theirs,
                    plugin,
                    source = shown(event.target),
                    fields,
                    file,
                    line,
                    "{}",
                    Shown(event.message)
                ),)*
            }
        }
    };
}

levels! { Error = ERROR, Warn = WARN, Info = INFO, Debug = DEBUG, Trace = TRACE }

/// Says, once in a process, that a host takes what only a developer should take.
pub(crate) fn developer() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            target: "plugwright::host",
            "this host is a developer's: it loads whatever this user can write; what is installed for others begins with \
             `Host::builder` and a policy"
        );
    });
}
