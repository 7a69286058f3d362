//! What `list` and `find` are asked for of plugins' own metadata: a value at a JSON pointer (RFC 6901), which can name every member
//! there is, whatever its name has in it.

use serde_json::Value;

/// A value that metadata are to have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) pointer: String,
    pub(crate) value: Value,
}

impl Wanted {
    /// From an argument such as `/streaming=true`; what is no JSON is a text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (pointer, value) = text
            .split_once('=')
            .filter(|(pointer, _)| is_pointer(pointer))
            .ok_or("expected POINTER=VALUE with a JSON pointer, as in /streaming=true or /MimeTypes=image/gif")?;
        Ok(Self {
            pointer: pointer.to_owned(),
            value: serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
        })
    }

    /// Whether the value is there, or in the list that is there.
    pub(crate) fn is_in(&self, metadata: &Value) -> bool {
        metadata.pointer(&self.pointer).is_some_and(|found| {
            let values = found.as_array();
            *found == self.value || values.is_some_and(|values| values.contains(&self.value))
        })
    }
}

/// By the syntax of RFC 6901, section 3: `~` stands before 0 or 1 only.
fn is_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, expected: bool) {
        let metadata = serde_json::json!({
            "a": {"b": "c"}, "a.b": "dots", "m/n": "slash", "o~p": "tilde", "list": ["x", 1], "yes": true, "eq": "p=q",
            "third": 0.333_333_333_333_333_3, "two": "2",
        });
        let wanted = Wanted::parse(wanted).expect("a filter");
        assert_eq!(wanted.is_in(&metadata), expected, "{wanted:?}");
        assert!(!wanted.is_in(&Value::Null), "{wanted:?}");
    }

    #[test]
    fn values_of_metadata() {
        check("/a/b=c", true);
        check("/a/b=d", false);
        check("/a=c", false);
        check("/a={\"b\":\"c\"}", true);
        check("/a.b=dots", true);
        check("/m~1n=slash", true);
        check("/o~0p=tilde", true);
        check("/list=x", true);
        check("/list=1", true);
        check("/list=[\"x\",1]", true);
        check("/list/0=x", true);
        check("/list/1=x", false);
        check("/yes=true", true);
        check("/eq=p=q", true);
        check("/third=0.3333333333333333", true);
        check("/nothing=", false);
        // What would be a number is a text in quotes.
        check("/two=2", false);
        check("/two=\"2\"", true);
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["a.b=c", "a/b=c", "/a", "", "/a~2=c", "/a~=c"] {
            let error = Wanted::parse(text).expect_err("no pointer");
            assert!(error.starts_with("expected POINTER=VALUE"), "{error}");
        }
    }
}
