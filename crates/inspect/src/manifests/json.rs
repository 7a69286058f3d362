//! Manifests in JSON: VST 3's and those of the Khronos Group's loaders.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::Value;

use crate::kinds::{PluginKind, Recognised};
use crate::problem::Problems;
use crate::untrusted::Untrusted;

use super::{invalid, recognised};

/// Names of what a manifest's value is, and the kind of plugin that it makes of the library.
const KHRONOS: [(&str, PluginKind); 4] = [
    ("layer", PluginKind::VulkanLayer),
    ("ICD", PluginKind::VulkanDriver),
    ("api_layer", PluginKind::OpenXrLayer),
    ("runtime", PluginKind::OpenXrRuntime),
];

/// What a manifest for Vulkan or `OpenXR` says of `library`, nothing where it is none.
pub(super) fn khronos(bytes: &[u8], library: &OsStr) -> Vec<Recognised> {
    let Ok(Value::Object(manifest)) = serde_json::from_slice(bytes) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, kind) in KHRONOS {
        // A manifest of Vulkan may have several layers.
        let several = format!("{key}s");
        let list = manifest.get(&several).and_then(Value::as_array);
        let layers = manifest
            .get(key)
            .into_iter()
            .chain(list.into_iter().flatten());
        let own = layers.filter(|layer| {
            let path = layer.get("library_path").and_then(Value::as_str);
            path.is_some_and(|path| Path::new(path).file_name() == Some(library))
        });
        found.extend(own.map(|layer| {
            let keys = ["api_version", "implementation_version", "description"];
            recognised(kind, text(layer, "name"), says(layer, &keys))
        }));
    }
    found
}

/// What a VST 3 bundle's manifest says, which is of all that is in the bundle.
pub(super) fn vst3(bytes: &[u8], problems: &mut Problems) -> Vec<Recognised> {
    let manifest: Value = match serde_json::from_slice(&strict(bytes)) {
        Ok(manifest) => manifest,
        Err(error) => {
            invalid(
                0,
                "a VST 3 bundle's manifest in JSON",
                &error.to_string(),
                problems,
            );
            return Vec::new();
        }
    };
    let mut lines = says(&manifest, &["Version"]);
    if let Some(factory) = manifest.get("Factory Info") {
        lines.extend(says(factory, &["Vendor", "URL"]));
    }
    let classes = manifest.get("Classes").and_then(Value::as_array);
    for class in classes.into_iter().flatten() {
        lines.extend(says(class, &["Name"]));
    }
    vec![recognised(PluginKind::Vst3, text(&manifest, "Name"), lines)]
}

/// The text that `value` has under `key`.
fn text(value: &Value, key: &str) -> Option<Untrusted> {
    value.get(key)?.as_str().map(Untrusted::from)
}

/// The texts that `value` has under `keys`, each as `key=value`.
fn says(value: &Value, keys: &[&str]) -> Vec<Untrusted> {
    let line = |key: &&str| {
        let text = value.get(*key)?.as_str()?;
        Some(Untrusted::from(format!("{key}={text}").as_str()))
    };
    keys.iter().filter_map(line).collect()
}

/// JSON without what VST 3's manifests may have besides: comments, and commas behind the last
/// member. Other freedoms of JSON5 are not used by the tool that writes them.
fn strict(bytes: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => {
                let text = string_len(after);
                let (inside, behind) = after.split_at_checked(text).unwrap_or((after, &[]));
                out.push(b'"');
                out.extend_from_slice(inside);
                rest = behind;
            }
            b'/' if after.starts_with(b"/") => {
                let end = after.iter().position(|byte| *byte == b'\n');
                rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
            }
            b'/' if after.starts_with(b"*") => {
                let end = after.windows(2).position(|pair| pair == b"*/");
                let end = end.and_then(|end| end.checked_add(2));
                rest = end.and_then(|end| after.get(end..)).unwrap_or_default();
            }
            b'}' | b']' => {
                let last = out.iter().rposition(|byte| !byte.is_ascii_whitespace());
                if let Some(comma) = last
                    .and_then(|last| out.get_mut(last))
                    .filter(|last| **last == b',')
                {
                    *comma = b' ';
                }
                out.push(*byte);
            }
            _ => out.push(*byte),
        }
    }
    out
}

/// The length of a string's rest, with its end mark.
fn string_len(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (byte, at) in rest.iter().zip(1_usize..) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    rest.len()
}
