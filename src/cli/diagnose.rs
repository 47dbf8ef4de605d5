//! `punctaj diagnose`: what is wrong, and what to do about it.

use std::io;

use serde::Serialize;

use super::CliError;
use crate::config::Loaded;
use crate::diagnose::{self, Finding, Level, Line};
use crate::i18n::Locale;

/// What programs read.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    ok: usize,
    warnings: usize,
    failed: usize,
    checks: Vec<Line>,
}

/// Looks at everything and prints what it found: lines for people, or one object for programs. Needs
/// neither a token, nor a database, nor a configuration without problems.
///
/// # Errors
/// [`CliError::Unwell`] if anything failed; or nothing can be printed.
pub async fn run(loaded: &Loaded, json: bool, out: &mut impl io::Write) -> Result<(), CliError> {
    let findings = Box::pin(diagnose::operator(loaded)).await;
    let failed = count(&findings, Level::Failed);
    if json {
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            ok: count(&findings, Level::Ok),
            warnings: count(&findings, Level::Warning),
            failed,
            checks: findings.iter().map(in_english).collect(),
        };
        serde_json::to_writer_pretty(&mut *out, &report).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        print(&findings, out)?;
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(CliError::Unwell { failed })
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    let of_level = findings.iter().filter(|finding| finding.level == level);
    of_level.count()
}

/// As operators' commands speak.
fn in_english(finding: &Finding) -> Line {
    finding.line(Locale::En)
}

fn print(findings: &[Finding], out: &mut impl io::Write) -> io::Result<()> {
    let mut family = "";
    for finding in findings {
        if finding.family() != family {
            family = finding.family();
            let title = Locale::En.text(&diagnose::title(family).into());
            writeln!(out, "{title}:")?;
        }
        let line = in_english(finding);
        let level = line.level.as_str();
        writeln!(out, "  {level:<8} {}", line.message)?;
        if let Some(remedy) = line.remedy {
            writeln!(out, "           -> {remedy}")?;
        }
    }
    let [ok, warnings, failed] =
        [Level::Ok, Level::Warning, Level::Failed].map(|level| count(findings, level));
    writeln!(out, "\n{ok} ok, {warnings} warnings, {failed} failed")
}
