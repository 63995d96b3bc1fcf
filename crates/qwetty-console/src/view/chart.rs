use maud::{Markup, html};

use super::pagination::grouped;

/// Requests over time: a drawing for those who see it, and the same as a table.
pub(crate) struct Chart<'a> {
    /// Its id on the page.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    /// What one bar stands for, and in which time zone: `Hour (UTC)`.
    pub(crate) unit: &'a str,
    pub(crate) bars: &'a [Bar],
}

/// One span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) label: String,
    pub(crate) admitted: u64,
    pub(crate) denied: u64,
}

/// The drawing is stretched to the width that there is; only proportions are drawn.
const HEIGHT: u64 = 100;
const STEP: usize = 10;
const GAP: usize = 2;

impl Chart<'_> {
    pub(crate) fn figure(&self) -> Markup {
        let most = self.bars.iter().map(Bar::total).max().unwrap_or(0);
        let (admitted, denied) = self.bars.iter().fold((0_u64, 0_u64), |(admitted, denied), bar| {
            (admitted.saturating_add(bar.admitted), denied.saturating_add(bar.denied))
        });
        html! {
            figure.chart aria-labelledby=(self.id) {
                figcaption {
                    h3 id=(self.id) { (self.title) }
                    p.legend {
                        span.admitted { (grouped(admitted)) " admitted" }
                        span.denied { (grouped(denied)) " denied" }
                    }
                }
                @if most == 0 {
                    p.chart-none.faint { "No requests" }
                } @else {
                    div.plot {
                        p.most aria-hidden="true" { (grouped(most)) }
                        (self.drawing(most))
                    }
                    p.ends aria-hidden="true" {
                        @if let Some(first) = self.bars.first() { span { (first.label) } }
                        span { (self.unit) }
                        @if let Some(last) = self.bars.last() { span { (last.label) } }
                    }
                    details { summary { "As a table" } (self.table()) }
                }
            }
        }
    }

    fn drawing(&self, most: u64) -> Markup {
        let width = self.bars.len() * STEP;
        html! {
            svg aria-hidden="true" focusable="false" viewBox={ "0 0 " (width) " " (HEIGHT) }
                preserveAspectRatio="none" {
                @for (index, bar) in self.bars.iter().enumerate() {
                    @let admitted = height(bar.admitted, most);
                    @let denied = height(bar.denied, most);
                    g {
                        title { (bar.label) ": " (grouped(bar.admitted)) " admitted, " (grouped(bar.denied)) " denied" }
                        rect.admitted x=(index * STEP + GAP / 2) y=(HEIGHT.saturating_sub(admitted))
                            width=(STEP - GAP) height=(admitted) {}
                        rect.denied x=(index * STEP + GAP / 2) y=(HEIGHT.saturating_sub(admitted + denied))
                            width=(STEP - GAP) height=(denied) {}
                    }
                }
            }
        }
    }

    /// Spans without a request are left out: they say nothing.
    fn table(&self) -> Markup {
        html! {
            table.plain {
                caption.visually-hidden { (self.title) }
                thead { tr {
                    th scope="col" { (self.unit) }
                    th.number scope="col" { "Admitted" }
                    th.number scope="col" { "Denied" }
                } }
                tbody {
                    @for bar in self.bars.iter().filter(|bar| bar.total() > 0) {
                        tr {
                            th scope="row" { (bar.label) }
                            td.number { (grouped(bar.admitted)) }
                            td.number { (grouped(bar.denied)) }
                        }
                    }
                }
            }
        }
    }
}

impl Bar {
    fn total(&self) -> u64 {
        self.admitted.saturating_add(self.denied)
    }
}

/// The part of the whole height; whatever was counted is to be seen.
fn height(count: u64, most: u64) -> u64 {
    match count {
        0 => 0,
        _ => (count.saturating_mul(HEIGHT) / most.max(1)).max(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, admitted: u64, denied: u64) -> Bar {
        Bar { label: label.to_owned(), admitted, denied }
    }

    fn drawn(bars: &[Bar]) -> String {
        Chart { id: "day", title: "Last 24 hours", unit: "Hour (UTC)", bars }.figure().0
    }

    #[test]
    fn what_is_drawn_is_also_written() {
        let figure = drawn(&[bar("09:00", 1_200, 3), bar("10:00", 0, 0), bar("11:00", 600, 0)]);
        assert!(figure.contains("1,800 admitted") && figure.contains("3 denied"));
        assert!(figure.contains("<title>09:00: 1,200 admitted, 3 denied</title>"));
        assert!(figure.contains("<td class=\"number\">1,200</td>"));
        assert!(!figure.contains("<th scope=\"row\">10:00"));
        // Under the drawing and at the head of the table.
        assert_eq!(figure.matches("Hour (UTC)").count(), 2);
    }

    #[test]
    fn bars_keep_within_the_drawing_and_the_smallest_count_is_seen() {
        assert_eq!((height(0, 9), height(9, 9), height(1, 1_000_000)), (0, 100, 2));
        assert_eq!(height(u64::MAX, 1), u64::MAX);
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let figure = drawn(&[bar("09:00", 0, 0)]);
        assert!(figure.contains("No requests") && !figure.contains("<svg"));
    }
}
