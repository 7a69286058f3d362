//! Whether a plugin fits the interface that a host wants, decided from the manifest alone.
//!
//! The rule: same id, same major version, the same bounds, and the methods that both have agree,
//! fingerprint by fingerprint. A plugin may have more methods than the host knows; a host may have
//! more than the plugin, when they were added in a minor version later than the plugin's. The same
//! holds for each interface that it requires. The answer to a misfit is a readable difference:
//! which method, which part of its type, what each side has.

use std::fmt;

use crate::schema::{Bounds, Field, InterfaceShape, Method, MethodShape, Schema, Type, Variant};
use crate::{Id, InterfaceVersion, Provided, Required};

/// Why a provided interface does not fit the one that the host wants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// The interface.
    pub interface: Id,
    /// The version that the host was built with.
    pub host: InterfaceVersion,
    /// The version that the plugin was built with.
    pub plugin: InterfaceVersion,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// One difference between the host's and the plugin's view of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The major versions differ.
    Major,
    /// The trait requires something else of its implementors.
    Bounds {
        /// What it requires in the host.
        host: Bounds,
        /// What it requires in the plugin.
        plugin: Bounds,
    },
    /// The plugin was built before the method was added.
    Missing {
        /// The method as the host has it.
        method: String,
    },
    /// A constant has another value, or another type.
    Constant {
        /// The constant's name in the host.
        name: String,
        /// Its type and value in the host.
        host: String,
        /// What the plugin has there, when its schema says so.
        plugin: Option<String>,
    },
    /// The method is another one, or one of its types is.
    Method {
        /// The method's name in the host.
        name: String,
        /// Where inside the method: empty for the method itself, else as in
        /// `result.Err.Corrupt.offset`.
        path: String,
        /// What the host has there.
        host: String,
        /// What the plugin has there, when its schema says so.
        plugin: Option<String>,
    },
    /// An interface that this one requires does not fit.
    Required {
        /// That interface.
        interface: Id,
        /// Its version in the host.
        host: InterfaceVersion,
        /// Its version in the plugin.
        plugin: InterfaceVersion,
        /// What differs there.
        difference: Box<Self>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interface, plugin, host) = (&self.interface, self.plugin, self.host);
        if plugin == host {
            write!(
                f,
                "the plugin and the host both have {interface} {host}, and yet they differ"
            )?;
        } else {
            write!(
                f,
                "the plugin provides {interface} {plugin}, the host wants {host}"
            )?;
        }
        for (index, difference) in self.differences.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            difference.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Major => f.write_str("another major version breaks by intent"),
            Self::Bounds { host, plugin } => write!(
                f,
                "the trait requires {host} in the host, and {plugin} in the plugin"
            ),
            Self::Missing { method } => write!(f, "the plugin has no `{method}`"),
            Self::Constant { name, host, plugin } => {
                write!(f, "constant `{name}`: the host has `{host}`")?;
                match plugin {
                    Some(plugin) => write!(f, ", the plugin has `{plugin}`"),
                    None => f.write_str(", the plugin another one"),
                }
            }
            Self::Method {
                name,
                path,
                host,
                plugin,
            } => {
                write!(f, "method `{name}`")?;
                if !path.is_empty() {
                    write!(f, " at {path}")?;
                }
                write!(f, ": the host has `{host}`")?;
                match plugin {
                    Some(plugin) => write!(f, ", the plugin has `{plugin}`"),
                    None => f.write_str(", the plugin another signature"),
                }
            }
            Self::Required {
                interface,
                host,
                plugin,
                difference,
            } => {
                write!(f, "{interface}, which it requires, is at {plugin} in ")?;
                if plugin == host {
                    f.write_str("both, and yet differs")?;
                } else {
                    write!(f, "the plugin and at {host} in the host")?;
                }
                write!(f, ": {difference}")
            }
        }
    }
}

/// Compares what a plugin provides with what the host wants of the same interface.
///
/// `schema` is the plugin's own description of the interface, which makes the answer
/// precise; it never changes whether the interface fits.
///
/// # Errors
/// With every difference, when the plugin does not fit.
pub fn check(
    wanted: &InterfaceShape,
    provided: &Provided,
    schema: Option<&Schema>,
) -> Result<(), Mismatch> {
    let theirs = Compared {
        version: provided.version,
        bounds: provided.bounds,
        fingerprints: &provided.fingerprints,
    };
    let mut differences = of_interfaces(wanted, &theirs, schema);
    // Another major version may require others.
    if wanted.version.major == provided.version.major {
        for (index, required) in wanted.requires.iter().enumerate() {
            // That it requires another one, or none, is told above, of the entry for it.
            let entry = wanted.methods.get(index).map(MethodShape::fingerprint);
            if provided.fingerprints.get(index).copied() != entry {
                continue;
            }
            let schema = schema.and_then(|schema| schema.requires.get(index));
            let theirs = provided.requires.get(index);
            differences.extend(of_required(required, theirs, schema));
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Mismatch {
        interface: provided.interface.clone(),
        host: wanted.version,
        plugin: provided.version,
        differences,
    })
}

/// What tells whether an interface fits, as the plugin was built with it.
struct Compared<'a> {
    version: InterfaceVersion,
    bounds: Bounds,
    fingerprints: &'a [u64],
}

/// Compares one interface, without those that it requires.
fn of_interfaces(
    wanted: &InterfaceShape,
    theirs: &Compared<'_>,
    schema: Option<&Schema>,
) -> Vec<Difference> {
    // Another major version is meant to differ: each method's difference would be noise.
    if wanted.version.major != theirs.version.major {
        return vec![Difference::Major];
    }
    let mut differences = Vec::new();
    if wanted.bounds != theirs.bounds {
        differences.push(Difference::Bounds {
            host: wanted.bounds,
            plugin: theirs.bounds,
        });
    }
    for (index, method) in wanted.methods.iter().enumerate() {
        let said = schema.and_then(|schema| schema.methods.get(index));
        match theirs.fingerprints.get(index) {
            // A method added later than the plugin was built is completed by the host.
            None if method.since > theirs.version.minor => {}
            None => differences.push(Difference::Missing {
                method: Method::from(method).to_string(),
            }),
            Some(fingerprint) if *fingerprint != method.fingerprint() => {
                differences.push(of_methods(&Method::from(method), said));
            }
            Some(_) => {}
        }
    }
    differences
}

/// Compares an interface that is required.
fn of_required(
    wanted: &InterfaceShape,
    theirs: Option<&Required>,
    schema: Option<&Schema>,
) -> Vec<Difference> {
    let Some(theirs) = theirs.filter(|theirs| theirs.interface.as_str() == wanted.id) else {
        let method = format!("requires {} {}", wanted.id, wanted.version.major);
        return vec![Difference::Missing { method }];
    };
    let compared = Compared {
        version: theirs.version,
        bounds: theirs.bounds,
        fingerprints: &theirs.fingerprints,
    };
    let differences = of_interfaces(wanted, &compared, schema);
    let of_required = |difference| Difference::Required {
        interface: theirs.interface.clone(),
        host: wanted.version,
        plugin: theirs.version,
        difference: Box::new(difference),
    };
    differences.into_iter().map(of_required).collect()
}

fn of_methods(ours: &Method, theirs: Option<&Method>) -> Difference {
    let at = |path: String, host: String, plugin: Option<String>| Difference::Method {
        name: ours.name.clone(),
        path,
        host,
        plugin,
    };
    if let Type::Constant(constant) = &ours.result {
        let plugin = theirs.map(|theirs| match &theirs.result {
            Type::Constant(constant) if ours.name == theirs.name => constant.to_string(),
            _ => theirs.to_string(),
        });
        let host = constant.to_string();
        return Difference::Constant {
            name: ours.name.clone(),
            // What looks the same is not: the schema lies.
            plugin: plugin.filter(|plugin| *plugin != host),
            host,
        };
    }
    let Some(theirs) = theirs else {
        return at(String::new(), ours.to_string(), None);
    };
    let whole = || at(String::new(), ours.to_string(), Some(theirs.to_string()));
    let same = ours.name == theirs.name && ours.receiver == theirs.receiver;
    if !same || ours.params.len() != theirs.params.len() {
        return whole();
    }
    let params = ours.params.iter().zip(&theirs.params);
    let inner = params
        .map(|(ours, theirs)| (ours.name.as_str(), &ours.ty, &theirs.ty))
        .chain([("result", &ours.result, &theirs.result)])
        .find_map(|(part, ours, theirs)| of_types(part, ours, theirs));
    match inner {
        Some((path, host, plugin)) => at(path, host, Some(plugin)),
        // The schema does not show the difference that the fingerprints do: it lies.
        None => at(String::new(), ours.to_string(), None),
    }
}

type Found = Option<(String, String, String)>;

/// The innermost first difference of two types: its path and both sides.
fn of_types(path: &str, ours: &Type, theirs: &Type) -> Found {
    match (ours, theirs) {
        (Type::Scalar(a), Type::Scalar(b)) if a == b => None,
        (Type::Option(a), Type::Option(b)) => of_types(&format!("{path}.Some"), a, b),
        (Type::Ref(a), Type::Ref(b)) => of_types(path, a, b),
        (Type::Future(a), Type::Future(b)) | (Type::LocalFuture(a), Type::LocalFuture(b)) => {
            of_types(&format!("{path}.Output"), a, b)
        }
        (Type::Result(ok, err), Type::Result(their_ok, their_err)) => {
            of_types(&format!("{path}.Ok"), ok, their_ok)
                .or_else(|| of_types(&format!("{path}.Err"), err, their_err))
        }
        (Type::Vec(a), Type::Vec(b))
        | (Type::Slice(a), Type::Slice(b))
        | (Type::SliceMut(a), Type::SliceMut(b))
        | (Type::Set(a), Type::Set(b)) => of_types(&format!("{path}[]"), a, b),
        (Type::Array(a, length), Type::Array(b, their_length)) if length == their_length => {
            of_types(&format!("{path}[]"), a, b)
        }
        (Type::Map(key, value), Type::Map(their_key, their_value)) => {
            of_types(&format!("{path}.key"), key, their_key)
                .or_else(|| of_types(&format!("{path}.value"), value, their_value))
        }
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            let parts = a.iter().zip(b).enumerate();
            let mut parts = parts.map(|(index, (a, b))| (format!("{path}.{index}"), a, b));
            parts.find_map(|(path, a, b)| of_types(&path, a, b))
        }
        (Type::Struct(_, a), Type::Struct(_, b)) => of_fields(path, a, b),
        (Type::Enum(_, a), Type::Enum(_, b)) | (Type::Open(_, a, _), Type::Open(_, b, _)) => {
            of_variants(path, a, b)
        }
        _ => Some((path.to_owned(), growing(ours), growing(theirs))),
    }
}

/// A type that is compared with one of another kind: two enums may have the same name.
fn growing(ty: &Type) -> String {
    match ty {
        Type::Open(name, ..) => format!("{name} with #[unknown]"),
        ty => ty.to_string(),
    }
}

fn of_fields(path: &str, ours: &[Field], theirs: &[Field]) -> Found {
    let names = |fields: &[Field]| {
        let list: Vec<String> = fields
            .iter()
            .map(|field| format!("{}: {}", field.name, field.ty))
            .collect();
        format!("{{ {} }}", list.join(", "))
    };
    let same_names =
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.name == b.name);
    if !same_names {
        return Some((path.to_owned(), names(ours), names(theirs)));
    }
    ours.iter()
        .zip(theirs)
        .find_map(|(a, b)| of_types(&format!("{path}.{}", a.name), &a.ty, &b.ty))
}

fn of_variants(path: &str, ours: &[Variant], theirs: &[Variant]) -> Found {
    let names = |variants: &[Variant]| {
        let list: Vec<&str> = variants
            .iter()
            .map(|variant| variant.name.as_str())
            .collect();
        list.join(" | ")
    };
    let same_names =
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| a.name == b.name);
    if !same_names {
        return Some((path.to_owned(), names(ours), names(theirs)));
    }
    ours.iter()
        .zip(theirs)
        .find_map(|(a, b)| of_fields(&format!("{path}.{}", a.name), &a.fields, &b.fields))
}
