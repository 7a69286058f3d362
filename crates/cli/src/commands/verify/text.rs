//! Verdicts for people: one line each, or with all that led to them.

use std::io;

use super::{Answer, Why};
use crate::output::{Output, Style, escape};

/// Prints the answers and how many files were no libraries.
pub(super) fn print(
    answers: &[Answer],
    others: usize,
    explain: bool,
    output: &mut Output,
) -> io::Result<()> {
    for answer in answers {
        let word = match (&answer.unreadable, answer.allowed) {
            (Some(_), _) => output.styled(Style::Problem, "not verified"),
            (None, true) => "allowed".to_owned(),
            (None, false) => output.styled(Style::Problem, "refused"),
        };
        let plugin = match (&answer.id, &answer.version) {
            (Some(id), Some(version)) => {
                format!(" {} {}", escape::text(id), escape::text(version))
            }
            _ => String::new(),
        };
        output.line(&format!("{}:{plugin} {word}", answer.path.shown()))?;
        if let Some(why) = &answer.unreadable {
            output.line(&format!("  {}", escape::sentence(why)))?;
        }
        let mut reasons = answer.reasons.as_slice();
        while let [why, rest @ ..] = reasons {
            // What --explain would tell apart is one line without it.
            let is_same =
                |other: &&Why| !explain && other.code == why.code && other.what == why.what;
            let more = rest.iter().take_while(is_same).count();
            reason(why, more, explain, output)?;
            reasons = rest.get(more..).unwrap_or_default();
        }
        if explain {
            support(answer, output)?;
        }
    }
    let refused = answers.iter().filter(|answer| !answer.allowed).count();
    let all = match answers.len() {
        1 => "1 verdict".to_owned(),
        many => format!("{many} verdicts"),
    };
    let outcome = match refused {
        0 => ", all allowed".to_owned(),
        some => format!(", {some} not allowed"),
    };
    let passed = match others {
        0 => String::new(),
        some => format!("; files that are no libraries: {some}"),
    };
    let hint = if refused > 0 && !explain {
        "; with --explain: what to do"
    } else {
        ""
    };
    output.line(&format!("{all}{outcome}{passed}{hint}"))
}

/// Prints a reason, and how many `more` of the same there are.
fn reason(why: &Why, more: usize, explain: bool, output: &mut Output) -> io::Result<()> {
    let more = match more {
        0 => String::new(),
        more => format!(" ({more} more)"),
    };
    // The judge escaped and bounded all of these.
    output.line(&format!(
        "  {}: {}{more}",
        why.code,
        escape::sentence(&why.what)
    ))?;
    if explain {
        output.line(&format!(
            "    expected  {}",
            escape::sentence(&why.expected)
        ))?;
        output.line(&format!("    found     {}", escape::sentence(&why.found)))?;
        output.line(&format!("    weakness  CWE-{}", why.cwe))?;
        output.line(&format!("    what now  {}", escape::sentence(&why.advice)))?;
    }
    Ok(())
}

/// What speaks for it, and what else was seen.
fn support(answer: &Answer, output: &mut Output) -> io::Result<()> {
    if let Some(digest) = &answer.digest {
        output.line(&format!("  digest    {digest}"))?;
    }
    for signed in &answer.signed {
        output.line(&format!("  signed    {}", escape::sentence(signed)))?;
    }
    if answer.signed.is_empty() && answer.unreadable.is_none() {
        output.line("  signed    by nobody whom the policy knows")?;
    }
    if let Some(source) = &answer.source {
        output.line(&format!(
            "  loaded    in the host's process, from a {source}"
        ))?;
    }
    if !answer.granted.is_empty() {
        output.line(&format!(
            "  granted   {}; in the host's process nothing holds it to that",
            escape::sentence(&answer.granted.join(", "))
        ))?;
    }
    for remark in &answer.remarks {
        output.line(&format!(
            "  remark    {}: {}; found {}",
            remark.code,
            escape::sentence(&remark.what),
            escape::sentence(&remark.found)
        ))?;
    }
    Ok(())
}
