//! A report as one file of HTML that asks nobody for anything.

use crate::reporters::chart::Chart;
use crate::reporters::report::Report;
use askama::Template;

#[derive(Debug, Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    charts: &'a [Chart],
}

/// The report as HTML.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    let charts = &report.charts;
    Page { report, charts }.render()
}
