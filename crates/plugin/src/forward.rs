//! The plugin's own `tracing` events on their way into the host's log.
//!
//! A library has its own copy of `tracing`, with its own place for a subscriber, which is set
//! once, when the library makes its first instance. A plugin whose author has set it before
//! keeps what it has. Spans stay in the library: only events cross.

use std::any::type_name;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Once, PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Metadata, Subscriber, dispatcher};

use crate::context::{Context, Event, Level};
use crate::own;

/// The plugins of this library that were asked for, with the modules that they stand in.
static PLUGINS: RwLock<Vec<(&'static str, Arc<Context>)>> = RwLock::new(Vec::new());

/// Has the library's events arrive at the host of `context`, from now on, under the id of the
/// plugin `T` when they come from the module that it stands in or from one below.
pub(crate) fn install<T>(context: &Context) {
    // Linked into the program, the events are in its own subscriber's hands.
    if !own::is_library() {
        return;
    }
    let module = type_name::<T>().rsplit_once("::");
    let module = module.map_or("", |(module, _)| module);
    let mut plugins = PLUGINS.write().unwrap_or_else(PoisonError::into_inner);
    let known = |(_, known): &(_, Arc<Context>)| known.plugin() == context.plugin();
    if !plugins.iter().any(known) {
        plugins.push((module, Arc::new(context.clone())));
    }
    drop(plugins);
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // It is refused where the author has a subscriber: then that is what is wanted.
        let _ = dispatcher::set_global_default(Dispatch::new(Forwarder));
    });
}

/// The plugin whose module is nearest to where an event comes from; the first, for what comes
/// from elsewhere.
fn context_for(target: &str) -> Option<Arc<Context>> {
    let plugins = PLUGINS.read().unwrap_or_else(PoisonError::into_inner);
    // A copy, since no lock is held while the host's code runs.
    nearest(&plugins, target).map(Arc::clone)
}

/// Of what stands at modules, that at the nearest to the target, or the first.
fn nearest<'a, T>(modules: &'a [(&str, T)], target: &str) -> Option<&'a T> {
    let nearest = modules
        .iter()
        .filter(|(module, _)| {
            let rest = target.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        })
        .max_by_key(|(module, _)| module.len());
    nearest.or_else(|| modules.first()).map(|(_, found)| found)
}

struct Forwarder;

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

impl Subscriber for Forwarder {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Whether the host reads a level may change at any time.
        if metadata.is_event() {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && context_for(metadata.target()).is_some_and(|context| context.logs(level(metadata)))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let metadata = event.metadata();
        let Some(context) = context_for(metadata.target()) else {
            return;
        };
        let mut texts = Texts::default();
        event.record(&mut texts);
        context.event(Event {
            level: level(metadata),
            target: metadata.target(),
            message: &texts.message,
            fields: &texts.fields,
            file: metadata.file().unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's values as texts.
#[derive(Default)]
struct Texts {
    message: String,
    fields: String,
}

impl Texts {
    fn add(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        if field.name() == "message" {
            let _ = self.message.write_fmt(value);
        } else {
            let space = if self.fields.is_empty() { "" } else { " " };
            let _ = write!(self.fields, "{space}{}={value}", field.name());
        }
    }
}

impl Visit for Texts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[track_caller]
    fn check(target: &str, expected: &str) {
        let modules = ["press::codec", "press", "press::codec::stored", "other"];
        let modules = modules.map(|module| (module, module));
        assert_eq!(nearest(&modules, target), Some(&expected));
    }

    /// Whose event it is follows from whole names of modules, the longest first.
    #[test]
    fn the_nearest_module_has_the_event() {
        check("press", "press");
        check("press::lists", "press");
        check("press::codec", "press::codec");
        check("press::codec::stored::blocks", "press::codec::stored");
        check("press::codecs", "press");
        check("other::press::codec", "other");
        // What others wrote, which the library is made of too.
        check("pressing", "press::codec");
        check("", "press::codec");
        assert_eq!(nearest::<u8>(&[], "press"), None);
    }
}
