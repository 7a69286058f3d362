//! The types of an interface's values, in C: what `docs/abi.md` says of how each crosses, written
//! out for one interface.
//!
//! All names come from a file, so each is made one that C and C++ have: no name ends a comment,
//! is a word of either language, or stands for two types.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::schema::{Field, InterfaceShape, Method, Scalar, Type, Variant};

/// The types that were written so far, each in front of what it is part of.
pub(super) struct Types {
    out: String,
    /// What each name stands for.
    known: BTreeMap<String, String>,
}

/// Words of C11 and C++20, and what compilers define beside them.
const WORDS: &str = " alignas alignof and and_eq asm auto bitand bitor bool break case catch char \
    char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast \
    consteval constexpr constinit continue decltype default delete do double dynamic_cast else \
    enum errno explicit export extern false float for friend goto if inline int linux long \
    mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public \
    register reinterpret_cast requires restrict return short signed sizeof static static_assert \
    static_cast struct switch template this thread_local throw true try typedef typeid typename \
    typeof union unix unsigned using virtual void volatile wchar_t while xor xor_eq ";

/// A name in the form that C has.
pub(super) fn name(text: &str) -> String {
    let plain = |letter: char| {
        let is_plain = letter.is_ascii_alphanumeric() || letter == '_';
        if is_plain { letter } else { '_' }
    };
    // As Rust writes names that are words of its own.
    let text = text.strip_prefix("r#").unwrap_or(text);
    let mut name: String = text.chars().map(plain).collect();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, 'f');
    }
    // Names that begin so are the compiler's.
    if name.is_empty() || name.starts_with('_') {
        name.insert_str(0, "of");
    }
    if WORDS.contains(&format!(" {name} ")) {
        name.push('_');
    }
    name
}

/// The names of what stands beside each other: no two are the same, as two names of the file may
/// become, or one of them and a name of this header's own.
struct Names(BTreeSet<String>);

impl Names {
    fn beside(own: &str) -> Self {
        Self(BTreeSet::from([own.to_owned()]))
    }

    /// The name for this one, which is numbered when there is such a name already.
    fn name(&mut self, text: &str) -> String {
        let wanted = name(text);
        let mut name = wanted.clone();
        for count in 2_u64.. {
            if self.0.insert(name.clone()) {
                break;
            }
            name = format!("{wanted}_{count}");
        }
        name
    }
}

/// A text of the file in a comment.
pub(super) fn remark(text: &dyn std::fmt::Display) -> String {
    let text = text.to_string().escape_debug().to_string();
    text.replace("*/", "* /").replace("/*", "/ *")
}

/// What is left of a type's name as a part of another one.
fn part(c: &str) -> &str {
    let c = c.strip_prefix("plugin_").or_else(|| c.strip_prefix("pw_"));
    let whole = c.unwrap_or_default();
    whole.strip_suffix("_t").unwrap_or(whole)
}

fn scalar(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Unit | Scalar::Bool | Scalar::U8 | Scalar::NonZeroU8 => "uint8_t",
        Scalar::U16 | Scalar::NonZeroU16 => "uint16_t",
        Scalar::Char | Scalar::U32 | Scalar::NonZeroU32 => "uint32_t",
        Scalar::U64 | Scalar::NonZeroU64 => "uint64_t",
        Scalar::Usize | Scalar::NonZeroUsize => "size_t",
        Scalar::I8 | Scalar::NonZeroI8 => "int8_t",
        Scalar::I16 | Scalar::NonZeroI16 => "int16_t",
        Scalar::I32 | Scalar::NonZeroI32 => "int32_t",
        Scalar::I64 | Scalar::NonZeroI64 => "int64_t",
        Scalar::Isize | Scalar::NonZeroIsize => "intptr_t",
        Scalar::U128 | Scalar::I128 | Scalar::NonZeroU128 | Scalar::NonZeroI128 => "pw_wide",
        Scalar::F32 => "float",
        Scalar::F64 => "double",
        Scalar::Str | Scalar::OsStr | Scalar::Path => "pw_slice",
        Scalar::String | Scalar::OsString | Scalar::PathBuf | Scalar::Encoded => "pw_vec",
        Scalar::Duration => "pw_duration",
        Scalar::Buffer => "pw_buffer",
    }
}

impl Types {
    pub(super) fn new() -> Self {
        let taken =
            ["id", "version", "record"].map(|name| (format!("plugin_{name}"), String::new()));
        Self {
            out: String::new(),
            known: taken.into(),
        }
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// A type of its own: the name, which is `wanted` unless that stands for something else, and
    /// whether it is new.
    fn define(&mut self, wanted: &str, body: &str) -> (String, bool) {
        let mut name = format!("plugin_{wanted}");
        for count in 2_u64.. {
            match self.known.get(&name) {
                None => break,
                Some(known) if known == body => return (name, false),
                Some(_) => name = format!("plugin_{wanted}_{count}"),
            }
        }
        let _ = writeln!(self.out, "typedef {body} {name};");
        self.known.insert(name.clone(), body.to_owned());
        (name, true)
    }

    /// The name of a composite of these parts.
    fn composite(&mut self, kind: &str, parts: &[&str], body: &str) -> String {
        let parts = parts.iter().map(|c| {
            let short = part(c);
            let bare = c.strip_suffix("_t").unwrap_or(c);
            if short.is_empty() { bare } else { short }
        });
        let wanted = std::iter::once(kind).chain(parts).collect::<Vec<_>>();
        self.define(&wanted.join("_"), body).0
    }

    /// The C type that a value crosses as.
    pub(super) fn of(&mut self, ty: &Type) -> String {
        match ty {
            Type::Scalar(one) => scalar(*one).to_owned(),
            Type::Option(some) => {
                let some = self.of(some);
                self.composite("option", &[&some], &format!("PW_OPTION({some})"))
            }
            Type::Result(ok, err) => {
                let (ok, err) = (self.of(ok), self.of(err));
                self.composite("result", &[&ok, &err], &format!("PW_RESULT({ok}, {err})"))
            }
            // What these hold lies behind their pointer, as elements of that type.
            Type::Vec(element) | Type::Set(element) => {
                self.of(element);
                "pw_vec".to_owned()
            }
            Type::Map(key, value) => {
                self.tuple(&[(**key).clone(), (**value).clone()]);
                "pw_vec".to_owned()
            }
            Type::Slice(element) => {
                self.of(element);
                "pw_slice".to_owned()
            }
            Type::SliceMut(element) => {
                self.of(element);
                "pw_slice_mut".to_owned()
            }
            Type::Ref(value) => self.of(value),
            Type::Tuple(parts) => self.tuple(parts),
            Type::Array(element, length) => {
                let element = self.of(element);
                let body = format!("struct {{\n    {element} elements[{length}];\n}}");
                self.composite(&format!("array_{length}"), &[&element], &body)
            }
            Type::Interface(..) => "pw_interface".to_owned(),
            Type::Future(value) | Type::LocalFuture(value) => {
                self.of(value);
                "pw_future".to_owned()
            }
            Type::Constant(_) => "uint64_t".to_owned(),
            Type::Struct(own, fields) => {
                let body = self.fields(fields, "");
                self.define(&name(own), &body).0
            }
            Type::Enum(own, variants) => self.tagged(own, variants),
            Type::Open(own, first, later) => {
                for variant in first.iter().chain(later) {
                    if !variant.fields.is_empty() {
                        let body = self.fields(&variant.fields, "");
                        let wanted = format!("{}_{}", name(own), name(&variant.name));
                        self.define(&wanted, &body);
                    }
                }
                "pw_open".to_owned()
            }
        }
    }

    fn tuple(&mut self, parts: &[Type]) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.of(part)).collect();
        let mut body = "struct {\n".to_owned();
        for (index, part) in parts.iter().enumerate() {
            let _ = writeln!(body, "    {part} f{index};");
        }
        body.push('}');
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.composite("tuple", &parts, &body)
    }

    fn fields(&mut self, fields: &[Field], indent: &str) -> String {
        let mut body = "struct {\n".to_owned();
        let mut names = Names::beside("");
        for field in fields {
            let c = self.of(&field.ty);
            let (name, ty) = (names.name(&field.name), remark(&field.ty));
            let _ = writeln!(body, "{indent}    {c} {name}; /* {ty} */");
        }
        if fields.is_empty() {
            let _ = writeln!(body, "{indent}    uint8_t none;");
        }
        let _ = write!(body, "{indent}}}");
        body
    }

    fn tagged(&mut self, own: &str, variants: &[Variant]) -> String {
        let mut body = "struct {\n    uint32_t tag;\n    union {\n".to_owned();
        let mut names = Names::beside("");
        let names: Vec<String> = variants.iter().map(|one| names.name(&one.name)).collect();
        for (variant, name) in variants.iter().zip(&names) {
            let fields = self.fields(&variant.fields, "        ");
            let _ = writeln!(body, "        {fields} {name};");
        }
        body.push_str("    } fields;\n}");
        let (own, is_new) = self.define(&name(own), &body);
        if is_new {
            self.out.push_str("enum {\n");
            for (tag, name) in names.iter().enumerate() {
                let _ = writeln!(self.out, "    {own}_tag_{name} = {tag},");
            }
            self.out.push_str("};\n");
        }
        own
    }

    /// The vtable of an interface.
    pub(super) fn vtable(&mut self, suffix: &str, interface: &InterfaceShape) {
        let mut body = "struct {\n    pw_vtable_head head;\n".to_owned();
        let mut names = Names::beside("head");
        for (index, method) in interface.methods.iter().map(Method::from).enumerate() {
            let told = remark(&method);
            let _ = match &method.result {
                Type::Interface(crate::schema::Holder::Super, ..) => {
                    writeln!(
                        body,
                        "    const pw_vtable_head *required_{index}; /* {told} */"
                    )
                }
                Type::Constant(_) => {
                    let name = names.name(&method.name);
                    writeln!(body, "    const uint64_t *{name}; /* {told} */")
                }
                result => {
                    let reply = match result {
                        Type::Scalar(Scalar::Unit) => "pw_reply_unit".to_owned(),
                        result => {
                            let value = self.of(result);
                            self.composite("reply", &[&value], &format!("PW_REPLY({value})"))
                        }
                    };
                    let name = names.name(&method.name);
                    let _ = write!(body, "    {reply} (*{name})(const void *object");
                    let mut params = Names::beside("object");
                    for param in &method.params {
                        let c = self.of(&param.ty);
                        let _ = write!(body, ", {c} {}", params.name(&param.name));
                    }
                    writeln!(body, "); /* {told} */")
                }
            };
        }
        body.push('}');
        self.define(&format!("vtable_{suffix}"), &body);
    }
}

#[cfg(test)]
mod tests {
    use super::{name, remark};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(name(text), expected);
    }

    /// Nothing of a file's names gets out of the comment that it stands in.
    #[test]
    fn remarks_end_no_comment() {
        assert_eq!(remark(&"Vec<*/ int>"), "Vec<* / int>");
        assert_eq!(remark(&"a/*b\nc"), "a/ *b\\nc");
    }

    #[test]
    fn names_are_ones_that_c_has() {
        check("text", "text");
        check("0", "f0");
        check("new", "new_");
        check("r#struct", "struct_");
        check("linux", "linux_");
        check("größe", "gr__e");
        check("_hidden", "of_hidden");
        check("", "of");
        check("a*/ b", "a___b");
    }
}
