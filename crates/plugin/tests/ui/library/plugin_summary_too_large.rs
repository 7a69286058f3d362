use plugwright_plugin::{interface, plugin};

#[interface(id = "org.example.a", version = "1.0")]
trait A {
    fn a(&self) {}
}

#[plugin(
    id = "org.example.plugin",
    provides(A, keys = [
        "format-number-000-of-many", "format-number-001-of-many", "format-number-002-of-many", "format-number-003-of-many",
        "format-number-004-of-many", "format-number-005-of-many", "format-number-006-of-many", "format-number-007-of-many",
        "format-number-008-of-many", "format-number-009-of-many", "format-number-010-of-many", "format-number-011-of-many",
        "format-number-012-of-many", "format-number-013-of-many", "format-number-014-of-many", "format-number-015-of-many",
        "format-number-016-of-many", "format-number-017-of-many", "format-number-018-of-many", "format-number-019-of-many",
        "format-number-020-of-many", "format-number-021-of-many", "format-number-022-of-many", "format-number-023-of-many",
        "format-number-024-of-many", "format-number-025-of-many", "format-number-026-of-many", "format-number-027-of-many",
        "format-number-028-of-many", "format-number-029-of-many", "format-number-030-of-many", "format-number-031-of-many",
        "format-number-032-of-many", "format-number-033-of-many", "format-number-034-of-many", "format-number-035-of-many",
        "format-number-036-of-many", "format-number-037-of-many", "format-number-038-of-many", "format-number-039-of-many",
        "format-number-040-of-many", "format-number-041-of-many", "format-number-042-of-many", "format-number-043-of-many",
        "format-number-044-of-many", "format-number-045-of-many", "format-number-046-of-many", "format-number-047-of-many",
        "format-number-048-of-many", "format-number-049-of-many", "format-number-050-of-many", "format-number-051-of-many",
        "format-number-052-of-many", "format-number-053-of-many", "format-number-054-of-many", "format-number-055-of-many",
        "format-number-056-of-many", "format-number-057-of-many", "format-number-058-of-many", "format-number-059-of-many",
        "format-number-060-of-many", "format-number-061-of-many", "format-number-062-of-many", "format-number-063-of-many",
        "format-number-064-of-many", "format-number-065-of-many", "format-number-066-of-many", "format-number-067-of-many",
        "format-number-068-of-many", "format-number-069-of-many", "format-number-070-of-many", "format-number-071-of-many",
        "format-number-072-of-many", "format-number-073-of-many", "format-number-074-of-many", "format-number-075-of-many",
        "format-number-076-of-many", "format-number-077-of-many", "format-number-078-of-many", "format-number-079-of-many",
    ]),
)]
#[derive(Default)]
struct Plugin;

impl A for Plugin {}

fn main() {}
