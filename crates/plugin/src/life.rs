//! How the instances of a plugin come to be, begin and end.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Context;

/// What a constructor or a hook of a plugin fails with. Its text crosses, with the texts of
/// what caused it.
pub type PluginError = Box<dyn Error + Send + Sync>;

/// How instances of a plugin are made, started and stopped.
///
/// A type with `#[plugin]` that does not implement this is made with `Default`, and nothing
/// is run at its start and at its end.
///
/// For each instance the host calls `new`, then `start`, then methods of its interfaces, from
/// any threads if the interfaces allow it, and in the end `stop`. What `new` or `start` fails
/// with is told to whoever asked for the instance, and the instance is dropped. A panic in any
/// of them is caught and told like one in a method.
///
/// ```
/// use plugwright_plugin::{Context, Level, Plugin, PluginError, interface, plugin};
///
/// #[interface(id = "org.example.codec", version = "1.0")]
/// pub trait Codec: Send + Sync {
///     fn level(&self) -> u32;
/// }
///
/// #[derive(serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// pub struct Options {
///     #[serde(default = "usual")]
///     level: u32,
/// }
///
/// fn usual() -> u32 {
///     3
/// }
///
/// #[plugin(id = "org.example.zstd", provides(Codec), singleton = true)]
/// pub struct Zstd {
///     level: u32,
///     context: Context,
/// }
///
/// impl Plugin for Zstd {
///     type Configuration = Options;
///
///     fn new(options: Options, context: Context) -> Result<Self, PluginError> {
///         if options.level > 22 {
///             return Err(format!("there is no level {}", options.level).into());
///         }
///         Ok(Self { level: options.level, context })
///     }
///
///     fn stop(&self) -> Result<(), PluginError> {
///         self.context.log(Level::Info, "done");
///         Ok(())
///     }
/// }
///
/// impl Codec for Zstd {
///     fn level(&self) -> u32 {
///         self.level
///     }
/// }
/// ```
pub trait Plugin: Sized + 'static {
    /// What an instance is made with; `()` for nothing.
    ///
    /// The host has it as JSON, or as anything that serde turns into that. It is read before
    /// `new` is called: what does not fit is told to whoever asked for the instance, as a
    /// failure of the kind [`Configuration`](crate::CallErrorKind::Configuration). A host
    /// that has no configuration for the plugin gives `null` to what can be read from that,
    /// and an object without members to everything else.
    type Configuration: DeserializeOwned;

    /// Makes an instance.
    ///
    /// # Errors
    /// When there can be none.
    fn new(configuration: Self::Configuration, context: Context) -> Result<Self, PluginError>;

    /// Called once, before any method of an interface.
    ///
    /// # Errors
    /// When the instance is not to be used.
    fn start(&self) -> Result<(), PluginError> {
        Ok(())
    }

    /// Called once, when the host ends the use of the instance or the last handle for it is
    /// dropped. Methods that are called later fail; those that other threads began before may
    /// still be running. It is not called after a panic.
    ///
    /// # Errors
    /// When something could not be brought to its end, for whoever closes the host or the
    /// handle. The instance is stopped all the same.
    fn stop(&self) -> Result<(), PluginError> {
        Ok(())
    }
}

/// What is done with a plugin's instances: the functions of [`Plugin`], or what stands for
/// them.
pub struct Life<T> {
    /// Whether instances take a configuration.
    pub configurable: bool,
    pub(crate) make: fn(&str, Context) -> Result<T, Unmade>,
    pub(crate) start: fn(&T) -> Result<(), PluginError>,
    pub(crate) stop: fn(&T) -> Result<(), PluginError>,
}

impl<T> fmt::Debug for Life<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life")
            .field("configurable", &self.configurable)
            .finish_non_exhaustive()
    }
}

/// Why there is no instance.
pub(crate) enum Unmade {
    Configuration(String),
    Failed(String),
}

/// Chooses between [`Plugin`] and `Default`. A constant of the type itself goes before one of
/// a trait, so the first is taken where it applies, and the choice is the compiler's.
#[derive(Debug)]
pub struct Choose<T>(PhantomData<T>);

impl<T: Plugin> Choose<T> {
    /// What `T` says itself.
    pub const LIFE: Life<T> = Life {
        // A type without a size has one value: there is nothing to choose.
        configurable: size_of::<T::Configuration>() != 0,
        make: |configuration, context| {
            let configuration = read(configuration).map_err(Unmade::Configuration)?;
            T::new(configuration, context).map_err(|error| Unmade::Failed(text_of(error)))
        },
        start: T::start,
        stop: T::stop,
    };
}

/// What stands for [`Plugin`] where a type does not implement it.
pub trait Simple<T> {
    /// Made with `Default`, without hooks.
    const LIFE: Life<T>;
}

impl<T: Default> Simple<T> for Choose<T> {
    const LIFE: Life<T> = Life {
        configurable: false,
        make: |configuration, _| {
            if configuration.is_empty() {
                Ok(T::default())
            } else {
                Err(Unmade::Configuration("it takes none".to_owned()))
            }
        },
        start: |_| Ok(()),
        stop: |_| Ok(()),
    };
}

/// Reads a configuration; an empty text stands for none.
fn read<C: DeserializeOwned>(text: &str) -> Result<C, String> {
    if text.is_empty() {
        return serde_json::from_value(Value::Null)
            .or_else(|_| serde_json::from_value(Value::Object(serde_json::Map::new())))
            .map_err(|error| format!("the host has none for it, and {error}"));
    }
    // By way of a value, since an error of the text itself would end with a place in a text
    // that nobody wrote.
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// What an error says, with what caused it: it does not cross itself.
pub(crate) fn text_of(error: PluginError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fmt;

    use super::text_of;

    #[derive(Debug)]
    struct Because(&'static str, Option<Box<Self>>);

    impl fmt::Display for Because {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Because {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let cause = self.1.as_deref()?;
            Some(cause)
        }
    }

    #[test]
    fn what_caused_an_error_is_told_with_it() {
        let last = Because("the disk is full", None);
        let middle = Because("no file", Some(Box::new(last)));
        let error = Because("cannot start", Some(Box::new(middle)));
        assert_eq!(
            text_of(Box::new(error)),
            "cannot start: no file: the disk is full"
        );
    }
}
