//! Which plugins a listing shows. Of one option given several times any may match, of different options all have to.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use plugwright_inspect::PluginKind;
use serde_json::Value;

use super::plugin::Plugin;
use super::read::Reading;

/// The options that choose.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only plugins of this system, or those of every known one; without it those of Plugwright and Qt. What others'
    /// plugins export has to be read, and tells what they are
    #[arg(long, value_parser = Kind::parser())]
    kind: Vec<Kind>,

    /// Only plugins that provide this interface; Qt's have one, their IID
    #[arg(long, value_name = "ID")]
    interface: Vec<String>,

    /// Only plugins that are found under this key
    #[arg(long)]
    key: Vec<String>,

    /// Only plugins whose own metadata have this value; dots separate the parts of the path
    #[arg(long, value_name = "PATH=VALUE", value_parser = Wanted::parse)]
    metadata: Vec<Wanted>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Every,
    One(PluginKind),
}

impl Kind {
    const EVERY: &str = "all";

    fn parser() -> impl clap::builder::TypedValueParser<Value = Self> {
        let names = PluginKind::ALL.iter().map(|kind| kind.as_str());
        let names = std::iter::once(Self::EVERY).chain(names);
        let parser = PossibleValuesParser::new(names.map(PossibleValue::new));
        parser.map(|name| {
            let known = PluginKind::ALL.iter().find(|kind| kind.as_str() == name);
            known.map_or(Self::Every, |kind| Self::One(*kind))
        })
    }

    fn is(self, kind: PluginKind) -> bool {
        self == Self::Every || self == Self::One(kind)
    }

    /// Whether the least that is read of a file tells it.
    fn is_declared(self) -> bool {
        matches!(self, Self::One(PluginKind::Plugwright | PluginKind::Qt))
    }
}

/// A value that metadata are to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    path: Vec<String>,
    value: String,
}

impl Filter {
    /// How deep a file has to be read.
    pub(super) fn reading(&self) -> Reading {
        if !self.metadata.is_empty() {
            // Other systems' plugins have none that are read.
            Reading::Headers
        } else if self.kind.iter().all(|kind| kind.is_declared()) {
            Reading::Identity
        } else {
            Reading::Kinds
        }
    }

    /// Whether a plugin is to be shown.
    pub(super) fn takes(&self, plugin: &Plugin) -> bool {
        let interfaces = plugin.interfaces();
        let any = |wanted: &[String], has: &dyn Fn(&String) -> bool| {
            wanted.is_empty() || wanted.iter().any(has)
        };
        (self.kind.is_empty() || self.kind.iter().any(|kind| kind.is(plugin.kind)))
            && any(&self.interface, &|id| interfaces.contains(&id.as_str()))
            && any(&self.key, &|key| plugin.said.keys.contains(key))
            && (self.metadata.is_empty()
                || self
                    .metadata
                    .iter()
                    .any(|wanted| wanted.is_in(&plugin.metadata)))
    }
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((path, value)) if !path.is_empty() => Ok(Self {
                path: path.split('.').map(str::to_owned).collect(),
                value: value.to_owned(),
            }),
            _ => Err("expected PATH=VALUE, for example MimeTypes=image/gif".to_owned()),
        }
    }

    fn is_in(&self, metadata: &[Value]) -> bool {
        let mut found = metadata.iter().filter_map(|value| {
            let mut parts = self.path.iter();
            parts.try_fold(value, |value, part| match value {
                Value::Array(values) => values.get(part.parse::<usize>().ok()?),
                value => value.get(part),
            })
        });
        found.any(|value| match value {
            Value::Array(values) => values.iter().any(|value| self.is(value)),
            value => self.is(value),
        })
    }

    /// A text is compared as it is, any other value as JSON writes it.
    fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.value,
            value => {
                let written = value.to_string();
                written == self.value
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, expected: bool) {
        let metadata = [
            serde_json::json!(null),
            serde_json::json!({"a": {"b": "c"}, "list": ["x", 1], "yes": true, "eq": "p=q"}),
        ];
        let wanted = Wanted::parse(wanted).expect("a filter");
        assert_eq!(wanted.is_in(&metadata), expected, "{wanted:?}");
    }

    #[test]
    fn values_of_metadata() {
        check("a.b=c", true);
        check("a.b=d", false);
        check("a=c", false);
        check("list=x", true);
        check("list=1", true);
        check("list.0=x", true);
        check("list.1=x", false);
        check("yes=true", true);
        check("eq=p=q", true);
        check("nothing=", false);
    }
}
