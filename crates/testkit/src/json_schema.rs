//! Documents held against JSON Schema (drafts 7 and 2020-12), as far as the schemas of this repository use it.
//!
//! Strict on both sides: a keyword, format or pattern that is not known here is a mistake of the schema and never passed over, so
//! that no test holds because a part of the schema was not understood.
//!
//! ```
//! use plugwright_testkit::json_schema::violations;
//! use serde_json::json;
//!
//! let schema = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}});
//! assert!(violations(&schema, &json!({"id": "a"})).is_empty());
//! assert_eq!(violations(&schema, &json!({"id": 1})), ["/id: expected string, found 1"]);
//! ```

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What in `document` the schema forbids, each with its place as a JSON Pointer; empty if it holds.
///
/// # Panics
/// If the schema has a keyword, a format or a pattern that is not known here.
#[must_use]
pub fn violations(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let checker = Checker { root: schema };
    checker.check(schema, document, "", &mut found);
    found
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let schema = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => {
                found.push(format!("{at}: nothing may stand here, found {value}"));
                return;
            }
            Value::Object(schema) => schema,
            other => panic!("a schema is an object, found {other}"),
        };
        for (keyword, wanted) in schema {
            match keyword.as_str() {
                "$schema" | "$id" | "$comment" | "title" | "description" | "default"
                | "definitions" | "$defs" => {}
                "$ref" => self.check(self.resolve(wanted), value, at, found),
                "type" => check_type(wanted, value, at, found),
                "enum" if list(wanted).contains(value) => {}
                "enum" => found.push(format!("{at}: expected one of {wanted}, found {value}")),
                "const" if wanted == value => {}
                "const" => found.push(format!("{at}: expected {wanted}, found {value}")),
                "anyOf" | "oneOf" => self.check_choice(keyword, list(wanted), value, at, found),
                "allOf" => {
                    for part in list(wanted) {
                        self.check(part, value, at, found);
                    }
                }
                "properties" | "required" | "additionalProperties" => {
                    if let Value::Object(members) = value {
                        self.check_members(keyword, wanted, schema, members, at, found);
                    }
                }
                "items" | "minItems" | "maxItems" | "uniqueItems" => {
                    if let Value::Array(elements) = value {
                        self.check_elements(keyword, wanted, elements, at, found);
                    }
                }
                "minimum" | "maximum" => check_bound(keyword, wanted, value, at, found),
                "minLength" | "pattern" | "format" => {
                    if let Value::String(text) = value {
                        check_text(keyword, wanted, text, at, found);
                    }
                }
                other => panic!("the schema has {other:?}, which this checker does not know"),
            }
        }
    }

    fn resolve(&self, reference: &Value) -> &Value {
        let path = reference.as_str().and_then(|text| text.strip_prefix('#'));
        let path = path.unwrap_or_else(|| panic!("$ref {reference} leads out of the schema"));
        self.root
            .pointer(path)
            .unwrap_or_else(|| panic!("$ref {reference} leads nowhere"))
    }

    fn check_choice(
        &self,
        keyword: &str,
        choices: &[Value],
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let mut told = Vec::new();
        let mut held = 0;
        for choice in choices {
            let mut own = Vec::new();
            self.check(choice, value, at, &mut own);
            held += usize::from(own.is_empty());
            told.extend(own);
        }
        if held == 0 {
            found.push(format!(
                "{at}: none of {keyword} holds: {}",
                told.join("; ")
            ));
        } else if held > 1 && keyword == "oneOf" {
            found.push(format!("{at}: {held} of oneOf hold"));
        }
    }

    fn check_members(
        &self,
        keyword: &str,
        wanted: &Value,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let declared = schema.get("properties").and_then(Value::as_object);
        match keyword {
            "required" => {
                for name in list(wanted).iter().filter_map(Value::as_str) {
                    if !members.contains_key(name) {
                        found.push(format!("{at}: {name:?} is missing"));
                    }
                }
            }
            "properties" => {
                for (name, schema) in declared.into_iter().flatten() {
                    if let Some(value) = members.get(name) {
                        self.check(schema, value, &below(at, name), found);
                    }
                }
            }
            _ => {
                let undeclared = members
                    .iter()
                    .filter(|(name, _)| declared.is_none_or(|known| !known.contains_key(*name)));
                for (name, value) in undeclared {
                    self.check(wanted, value, &below(at, name), found);
                }
            }
        }
    }

    fn check_elements(
        &self,
        keyword: &str,
        wanted: &Value,
        elements: &[Value],
        at: &str,
        found: &mut Vec<String>,
    ) {
        let count = elements.len() as u64;
        match keyword {
            "items" => {
                for (index, element) in elements.iter().enumerate() {
                    self.check(wanted, element, &below(at, &index.to_string()), found);
                }
            }
            "minItems" if count < number(wanted) => {
                found.push(format!("{at}: expected at least {wanted}, found {count}"));
            }
            "maxItems" if count > number(wanted) => {
                found.push(format!("{at}: expected at most {wanted}, found {count}"));
            }
            "uniqueItems" if *wanted == Value::Bool(true) => {
                let mut seen = BTreeSet::new();
                for element in elements {
                    if !seen.insert(element.to_string()) {
                        found.push(format!("{at}: {element} stands there twice"));
                    }
                }
            }
            _ => {}
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value
        .as_array()
        .unwrap_or_else(|| panic!("the schema has to have an array here, has {value}"))
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("the schema has to have a number here, has {value}"))
}

/// A JSON Pointer one step further.
fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn check_type(wanted: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => panic!("the schema has the type {name}"),
    };
    let holds = match wanted {
        Value::Array(names) => names.iter().any(is),
        name => is(name),
    };
    if !holds {
        let wanted = wanted
            .as_str()
            .map_or_else(|| wanted.to_string(), str::to_owned);
        found.push(format!("{at}: expected {wanted}, found {value}"));
    }
}

fn check_bound(keyword: &str, wanted: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let (Some(bound), Some(number)) = (wanted.as_f64(), value.as_f64()) else {
        return;
    };
    let holds = if keyword == "minimum" {
        number >= bound
    } else {
        number <= bound
    };
    if !holds {
        found.push(format!("{at}: {keyword} is {wanted}, found {value}"));
    }
}

fn check_text(keyword: &str, wanted: &Value, text: &str, at: &str, found: &mut Vec<String>) {
    let holds = match (keyword, wanted.as_str()) {
        ("minLength", _) => text.chars().count() as u64 >= number(wanted),
        ("pattern", Some(pattern)) => matches(pattern, text),
        ("format", Some("uri")) => is_uri(text) && text.split_once(':').is_some_and(is_scheme),
        ("format", Some("uri-reference")) => is_uri(text),
        ("format", Some("date-time")) => is_time(text),
        _ => panic!("the schema has {keyword} {wanted}, which this checker does not know"),
    };
    if !holds {
        found.push(format!("{at}: {keyword} {wanted} does not hold: {text:?}"));
    }
}

/// The patterns of the schemas here, each read by hand: an engine for all patterns would be the largest part of this file.
fn matches(pattern: &str, text: &str) -> bool {
    let hexadecimal = |count: usize| {
        text.len() == count && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
    };
    let numbered = |prefix: &str| {
        let digits = text.strip_prefix(prefix).unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    match pattern {
        "^CWE-[0-9]+$" => numbered("CWE-"),
        "^S[0-9]+$" => numbered("S"),
        "^[A-Z][0-9]+$" => text
            .get(..1)
            .is_some_and(|letter| letter.as_bytes()[0].is_ascii_uppercase() && numbered(letter)),
        "^[0-9a-f]{32}$" => hexadecimal(32),
        // A GUID of SARIF, a version of four numbers, a place below another, and a language (with the stray bracket that the
        // published schema has).
        "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$" => {
            is_guid(text)
        }
        "[0-9]+(\\.[0-9]+){3}" => {
            let parts: Vec<&str> = text.split('.').collect();
            parts.len() == 4
                && parts
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        }
        "[^/]+/.+" => text
            .split_once('/')
            .is_some_and(|(before, after)| !before.is_empty() && !after.is_empty()),
        "^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$" => {
            text.len() >= 2 && text.bytes().take(2).all(|byte| byte.is_ascii_alphabetic())
        }
        other => panic!("the schema has the pattern {other}, which this checker does not know"),
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let starts = |index: usize, with: &[u8]| {
        let first = parts.get(index).and_then(|part| part.bytes().next());
        first.is_some_and(|byte| with.contains(&byte))
    };
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && starts(2, b"12345")
        && starts(3, b"89abAB")
}

/// RFC 3986: nothing but its characters, and every percent sign begins an octet.
fn is_uri(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes
            .get(at + 1..at + 3)
            .is_some_and(|octet| octet.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    })
}

fn is_scheme((scheme, _): (&str, &str)) -> bool {
    scheme
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// RFC 3339, as far as it can be told without a calendar.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|character| {
            if character.is_ascii_digit() {
                '0'
            } else {
                character
            }
        })
        .collect();
    shape.starts_with("0000-00-00T00:00:00")
        && ["Z", "+00:00", "-00:00"].iter().any(|zone| {
            shape[19..].strip_suffix(zone).is_some_and(|fraction| {
                fraction.is_empty() || fraction.trim_end_matches('0') == "."
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: Value, good: &[Value], bad: &[Value]) {
        for document in good {
            assert_eq!(violations(&schema, document), [""; 0], "{document}");
        }
        for document in bad {
            assert_ne!(violations(&schema, document), [""; 0], "{document}");
        }
    }

    #[test]
    fn each_keyword_holds_and_fails() {
        check(
            json!({"type": ["string", "null"], "minLength": 2}),
            &[json!("ab"), json!(null)],
            &[json!("a"), json!(1)],
        );
        check(
            json!({"type": "integer", "minimum": -1, "maximum": 3}),
            &[json!(3), json!(-1)],
            &[json!(4), json!(-2), json!(1.5)],
        );
        check(
            json!({"properties": {"a": {"const": 1}}, "required": ["a"], "additionalProperties": false}),
            &[json!({"a": 1})],
            &[json!({}), json!({"a": 2}), json!({"a": 1, "b": 1})],
        );
        check(
            json!({"additionalProperties": {"enum": ["x"]}}),
            &[json!({}), json!({"a": "x"})],
            &[json!({"a": "y"})],
        );
        check(
            json!({"items": {"$ref": "#/definitions/n"}, "minItems": 1, "maxItems": 2, "uniqueItems": true,
                "definitions": {"n": {"type": "number"}}}),
            &[json!([1]), json!([1, 2])],
            &[json!([]), json!([1, 1]), json!([1, 2, 3]), json!(["a"])],
        );
        check(
            json!({"oneOf": [{"type": "number"}, {"type": "integer"}]}),
            &[json!(1.5)],
            &[json!(1), json!("a")],
        );
        check(
            json!({"anyOf": [{"type": "number"}, {"type": "integer"}], "allOf": [true]}),
            &[json!(1)],
            &[json!("a")],
        );
    }

    #[test]
    fn formats_and_patterns_hold_and_fail() {
        check(
            json!({"format": "uri"}),
            &[json!("file:///a%20b"), json!("https://a.org/x?y#z")],
            &[
                json!("a b"),
                json!("/a"),
                json!("x:%zz"),
                json!("x:\u{202e}"),
            ],
        );
        check(
            json!({"format": "uri-reference"}),
            &[json!("a/b.so"), json!("%1b")],
            &[json!("a b"), json!("a\n")],
        );
        check(
            json!({"format": "date-time"}),
            &[
                json!("2026-11-23T12:00:00Z"),
                json!("2026-11-23T12:00:00.250Z"),
            ],
            &[json!("2026-11-23"), json!("2026-11-23T12:00:00")],
        );
        check(
            json!({"pattern": "^[A-Z][0-9]+$"}),
            &[json!("B01")],
            &[json!("b01"), json!("B"), json!("B1x"), json!("")],
        );
        let guid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$";
        check(
            json!({ "pattern": guid }),
            &[json!("FFC64C90-42B6-44CE-8BEB-F6B7DAE649E5")],
            &[json!("FFC64C90-42B6-94CE-8BEB-F6B7DAE649E5"), json!("x")],
        );
    }

    #[test]
    #[should_panic(expected = "does not know")]
    fn an_unknown_keyword_is_a_mistake() {
        let _panics = violations(&json!({"propertyNames": {}}), &json!({}));
    }
}
