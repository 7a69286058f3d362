//! Which plugins a listing shows. Of one option given several times any may match, of different options all have to.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use plugwright_inspect::PluginKind;

use super::plugin::Plugin;
use super::read::Reading;
use crate::commands::metadata::Wanted;

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

    /// Only plugins whose own metadata have this value at this JSON pointer; the value is JSON or a text
    #[arg(long, value_name = "POINTER=VALUE", value_parser = Wanted::parse)]
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
                    .any(|wanted| plugin.metadata.iter().any(|value| wanted.is_in(value))))
    }
}
