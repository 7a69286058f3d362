//! Which plugins a listing shows. Of one option given several times any may match, of different options all have to.

use std::ffi::OsStr;

use plugwright_inspect::{Headers, Identity, Image, Opened, Problem};
use plugwright_manifest::Record;
use serde_json::Value;

use super::{Plugin, Says};

/// The options that choose.
#[derive(Debug, clap::Args)]
pub(super) struct Filter {
    /// Only plugins of this system
    #[arg(long, value_enum)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Plugwright,
    Qt,
}

/// A value that metadata are to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    path: Vec<String>,
    value: String,
}

impl Filter {
    /// Reads a file as far as the filter needs: an application's own metadata lie deeper than the rest.
    pub(super) fn read(&self, file: &Opened, name: Option<&OsStr>) -> (Vec<Image>, Vec<Problem>) {
        if self.metadata.is_empty() {
            let Identity {
                images, problems, ..
            } = plugwright_inspect::identity(file, name);
            return (images, problems);
        }
        let Headers {
            images, problems, ..
        } = plugwright_inspect::headers(file, name);
        let images = images.into_iter().map(|headers| headers.image);
        (images.collect(), problems)
    }

    /// Whether a plugin is to be shown.
    pub(super) fn takes(&self, plugin: &Plugin) -> bool {
        let (kind, interfaces): (_, Vec<&str>) = match &plugin.says {
            Says::Plugwright { provides, .. } => {
                let interfaces = provides.iter().map(|provided| provided.interface.as_str());
                (Kind::Plugwright, interfaces.collect())
            }
            Says::Qt { iid, .. } => (Kind::Qt, iid.as_deref().into_iter().collect()),
        };
        let any = |wanted: &[String], has: &dyn Fn(&String) -> bool| {
            wanted.is_empty() || wanted.iter().any(has)
        };
        (self.kind.is_empty() || self.kind.contains(&kind))
            && any(&self.interface, &|id| interfaces.contains(&id.as_str()))
            && any(&self.key, &|key| plugin.keys.contains(key))
            && (self.metadata.is_empty()
                || self
                    .metadata
                    .iter()
                    .any(|wanted| wanted.is_in(&plugin.metadata)))
    }
}

/// The application's own metadata in a record: of the plugin, and of each interface that it provides.
pub(super) fn metadata_of(record: &Record) -> Vec<Value> {
    let detail = record.detail.as_ref();
    let values = detail.into_iter().flat_map(|detail| {
        let of_interfaces = detail.provided_metadata.iter();
        std::iter::once(&detail.metadata).chain(of_interfaces)
    });
    values.cloned().collect()
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
