//! The frontiers as a picture: evidence recall against mean tokens, on a logarithmic axis.

use super::report::{Frontier, Report};
use std::fmt::Write;

const WIDTH: f64 = 810.0;
const HEIGHT: f64 = 440.0;
/// Left, top, right and bottom.
const MARGINS: [f64; 4] = [56.0, 24.0, 282.0, 48.0];
/// The least and the greatest number of tokens that are drawn.
const TOKENS: [f64; 2] = [50.0, 3200.0];
const TICKS: [f64; 7] = [50.0, 100.0, 200.0, 400.0, 800.0, 1600.0, 3200.0];
/// Colours that people who do not see all colours tell apart (Okabe and Ito 2008).
const COLOURS: [&str; 8] = ["#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"];

/// Draws the frontiers of a report.
pub fn svg(report: &Report) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Evidence recall against mean tokens</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for tokens in TICKS {
        let (at, [_, top, _, bottom]) = (x(tokens), MARGINS);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{top}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
            HEIGHT - bottom
        );
        let _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tokens}</text>",
            HEIGHT - bottom + 16.0
        );
    }
    for tenth in 0..=10 {
        let (share, [left, _, right, _]) = (f64::from(tenth) / 10.0, MARGINS);
        let at = y(share);
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\" stroke=\"#dddddd\"/>",
            WIDTH - right
        );
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 6.0,
            at + 4.0,
            tenth * 10
        );
    }
    let middle = MARGINS[0] + (WIDTH - MARGINS[0] - MARGINS[2]) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">mean tokens emitted</text>",
        HEIGHT - 10.0
    );
    let _ = writeln!(svg, "<text x=\"{}\" y=\"16\">evidence recall, %</text>", MARGINS[0]);
    for (number, frontier) in report.frontiers.iter().filter(|one| one.curve.len() > 1).enumerate() {
        line(&mut svg, number, frontier);
    }
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, number: usize, frontier: &Frontier) {
    let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or_default();
    let dash = if number >= COLOURS.len() { " stroke-dasharray=\"5 3\"" } else { "" };
    let inside = frontier.curve.iter().filter(|(tokens, _)| (TOKENS[0]..=TOKENS[1]).contains(tokens));
    let points: Vec<String> = inside.map(|(tokens, share)| format!("{:.1},{:.1}", x(*tokens), y(*share))).collect();
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash} points=\"{}\"/>",
        points.join(" ")
    );
    let at = MARGINS[1] + 14.0 + 18.0 * f64::from(u32::try_from(number).unwrap_or_default());
    let left = WIDTH - MARGINS[2] + 14.0;
    let _ = writeln!(
        svg,
        "<line x1=\"{left}\" y1=\"{at}\" x2=\"{}\" y2=\"{at}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
        left + 22.0
    );
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\">{}</text>", left + 28.0, at + 4.0, escaped(&frontier.name));
}

fn x(tokens: f64) -> f64 {
    let share = (tokens / TOKENS[0]).ln() / (TOKENS[1] / TOKENS[0]).ln();
    MARGINS[0] + share * (WIDTH - MARGINS[0] - MARGINS[2])
}

fn y(share: f64) -> f64 {
    HEIGHT - MARGINS[3] - share * (HEIGHT - MARGINS[1] - MARGINS[3])
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
