//! What programs read: the JSON report against the schema that is published for it, SARIF against that of the standard.

use std::fs;
use std::path::{Path, PathBuf};

use plugwright_audit::{Baseline, Options, Report, Target, Tier, Waivers, review};
use plugwright_testkit::elf::ElfBuilder;
use plugwright_testkit::json_schema::violations;
use plugwright_trust::Timestamp;
use serde_json::Value;

fn schema(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The schema with nothing allowed that it does not name. Readers have to bear new members; a test has to find them undescribed.
fn closed(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(members) => {
                members.values_mut().for_each(close);
                if members.get("type").is_some_and(|kind| kind == "object") {
                    members.insert("additionalProperties".to_owned(), false.into());
                }
            }
            Value::Array(elements) => elements.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

/// Reports of nothing, of a clean library, of a folder with hostile libraries and what is none, and of what is not there.
fn reports() -> Vec<Report> {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let clean = ElfBuilder::x86_64().soname("liba.so").build();
    fs::write(at("liba.so"), clean.bytes()).expect("written");
    fs::create_dir(at("plugins")).expect("made");
    let hostile = ElfBuilder::x86_64()
        .soname("a\u{1b}[2J](http://x){0}")
        .runpath("lib:")
        .rpath("/tmp")
        .needed("./a.so")
        .export("malloc")
        .build();
    fs::write(at("plugins/a b[1].so"), hostile.bytes()).expect("written");
    fs::write(at("plugins/cut.so"), &hostile.bytes()[..100]).expect("written");
    fs::write(at("plugins/readme"), "text").expect("written");
    let groups: [Vec<PathBuf>; 4] = [
        vec![],
        vec![at("liba.so")],
        vec![folder.path().to_owned()],
        vec![at("absent"), at("plugins/readme")],
    ];
    let review = |paths: &Vec<PathBuf>| {
        let targets: Vec<Target> = paths.iter().map(Target::path).collect();
        review(&targets, &Options::new(Tier::Closure))
    };
    let mut reports: Vec<Report> = groups.iter().map(review).collect();
    // One of which waivers accept a part, and an earlier report has another.
    let waivers = "version = 1\n[[waiver]]\nrule = \"B01\"\ntarget = \"*\"\nreason = \"r\"\nexpires = \"9999-01-01\"\n\
                   [[waiver]]\nrule = \"B10\"\ntarget = \"none\"\nreason = \"r\"\nexpires = \"9999-01-01\"";
    let mut reduced = reports[2].clone();
    let mut earlier = reduced.clone();
    earlier.findings.retain(|finding| finding.rule.id == "B02");
    let earlier = serde_json::to_vec(&earlier).expect("it serialises");
    reduced.waive(
        &Waivers::parse(waivers).expect("waivers"),
        Timestamp::from_unix(0),
    );
    reduced.leave_out_known(&Baseline::parse(&earlier).expect("a report"));
    assert!(!reduced.accepted.is_empty() && !reduced.warnings.is_empty());
    assert!(reduced.known > Some(0));
    reports.push(reduced);
    reports
}

#[test]
fn sarif_holds_against_the_schema_of_the_standard() {
    let schema = schema("tests/data/sarif-2.1.0.schema.json");
    for report in reports() {
        let log = report.sarif();
        assert_eq!(violations(&schema, &log), [""; 0]);
        let run = &log["runs"][0];
        assert_eq!(
            run["results"].as_array().map(Vec::len),
            Some(report.findings.len() + report.accepted.len())
        );
        // Every reference by index arrives at what it names.
        for result in run["results"].as_array().into_iter().flatten() {
            let named =
                |list: &str, index: &Value| run.pointer(&format!("{list}/{index}/id")).cloned();
            let rule = named("/tool/driver/rules", &result["ruleIndex"]);
            assert_eq!(rule.as_ref(), Some(&result["ruleId"]));
            let taxon = &result["taxa"][0];
            let found = named("/taxonomies/0/taxa", &taxon["index"]);
            assert_eq!(found.as_ref(), Some(&taxon["id"]));
            assert_eq!(
                result["partialFingerprints"]["plugwright/v1"]
                    .as_str()
                    .map(str::len),
                Some(32)
            );
        }
    }
}

#[test]
fn json_holds_against_its_schema() {
    let schema = closed(schema("../../docs/audit.schema.json"));
    for report in reports() {
        let report = serde_json::to_value(&report).expect("it serialises");
        assert_eq!(violations(&schema, &report), [""; 0]);
    }
}

#[test]
fn the_schema_of_json_refuses_what_is_missing_and_what_it_does_not_know() {
    let schema = schema("../../docs/audit.schema.json");
    let report = serde_json::to_value(&reports()[2]).expect("it serialises");
    for member in ["findings", "pillars", "targets", "cwe_version"] {
        let mut report = report.clone();
        report.as_object_mut().expect("an object").remove(member);
        assert_ne!(violations(&schema, &report), [""; 0], "{member}");
    }
    for member in [
        "rule", "cwe", "pillar", "severity", "target", "title", "evidence",
    ] {
        let mut report = report.clone();
        let finding = report["findings"][0].as_object_mut().expect("a finding");
        finding.remove(member);
        assert_ne!(violations(&schema, &report), [""; 0], "{member}");
    }
    for (member, wrong) in [("severity", "awful"), ("cwe", "427"), ("pillar", "664")] {
        let mut report = report.clone();
        report["findings"][0][member] = wrong.into();
        assert_ne!(violations(&schema, &report), [""; 0], "{member}");
    }
}
