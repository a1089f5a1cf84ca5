//! The main figures as a picture: cold starts, and warm responses with DynamoDB's part of them.

use plotters::{
    chart::ChartBuilder,
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{Rectangle, Text},
    prelude::SVGBackend,
    style::{
        Color, IntoFont, RGBColor, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{error::BenchError, report::Report, stats::milliseconds_of_microseconds};

const WIDTH: u32 = 900;
const BAR_HEIGHT: u32 = 24;
/// Above and below the bars of a panel: its heading and its axis.
const MARGINS: u32 = 70;
const LABELS_WIDTH: u32 = 200;
const FONT: &str = "sans-serif";

const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const FLOOR: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);
const DYNAMODB: RGBColor = RGBColor(0xf2, 0xa9, 0x3b);

/// One bar, drawn from the left.
struct Bar {
    label: String,
    /// Milliseconds.
    value: f64,
    /// The time of a function that only makes the DynamoDB round trips.
    dynamodb: f64,
    is_floor: bool,
}

struct Panel {
    heading: &'static str,
    bars: Vec<Bar>,
}

/// An SVG of the figures that it shows, as far as they were measured.
pub(crate) fn draw(report: &Report) -> Result<String, BenchError> {
    let panels = [cold(report), warm(report)];
    let heights = panels.each_ref().map(Panel::height);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, heights.iter().sum())).into_drawing_area();
        root.fill(&WHITE).map_err(chart_error)?;
        let (above, below) = root.split_vertically(heights[0]);
        panels[0].draw(&above)?;
        panels[1].draw(&below)?;
        root.present().map_err(chart_error)?;
    }
    Ok(svg)
}

fn cold(report: &Report) -> Panel {
    let bars = report.cold.iter().flatten().map(|start| Bar {
        label: format!("{}, {:?}", start.function, start.transport).to_lowercase(),
        value: start.first_response_ms,
        dynamodb: 0.0,
        is_floor: is_floor(start.function),
    });
    Panel {
        heading: "Cold: from the start of the process to the first response, ms",
        bars: bars.collect(),
    }
}

fn warm(report: &Report) -> Panel {
    let bars = report.warm.iter().flatten().map(|warm| Bar {
        label: format!("{}, {}", warm.function, warm.route),
        value: milliseconds_of_microseconds(warm.p50_us),
        dynamodb: warm
            .round_trips
            .as_ref()
            .map_or(0.0, |trips| milliseconds_of_microseconds(trips.floor_p50_us)),
        is_floor: is_floor(warm.function),
    });
    Panel {
        heading: "Warm: median, ms; yellow is a function that only makes the DynamoDB round trips",
        bars: bars.collect(),
    }
}

fn is_floor(function: &str) -> bool {
    matches!(function, "echo" | "roundtrip" | "getitem")
}

impl Panel {
    fn height(&self) -> u32 {
        MARGINS + BAR_HEIGHT * u32::try_from(self.bars.len()).unwrap_or_default()
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), BenchError> {
        let longest = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        // Space on the right for the figure.
        let (width, rows) = (
            longest.max(1e-3) * 1.1,
            f64::from(self.height() - MARGINS) / f64::from(BAR_HEIGHT),
        );
        let mut chart = ChartBuilder::on(area)
            .caption(self.heading, (FONT, 16))
            .margin(10)
            .x_label_area_size(24)
            .y_label_area_size(LABELS_WIDTH)
            .build_cartesian_2d(0.0..width, rows.max(1.0)..0.0)
            .map_err(chart_error)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_labels(8)
            .draw()
            .map_err(chart_error)?;
        let middle = |horizontal| TextStyle::from((FONT, 13).into_font()).pos(Pos::new(horizontal, VPos::Center));
        for (row, bar) in (0_u32..).map(f64::from).zip(&self.bars) {
            let rectangle = |from: f64, to: f64, color: RGBColor| {
                Rectangle::new([(from, row + 0.15), (to, row + 0.85)], color.filled())
            };
            let color = if bar.is_floor { FLOOR } else { OURS };
            let rectangles = [
                rectangle(0.0, bar.dynamodb, DYNAMODB),
                rectangle(bar.dynamodb, bar.value, color),
            ];
            chart.draw_series(rectangles).map_err(chart_error)?;
            let figure = Text::new(format!(" {:.2}", bar.value), (bar.value, row + 0.5), middle(HPos::Left));
            chart.draw_series([figure]).map_err(chart_error)?;
            let (_, y) = chart.backend_coord(&(0.0, row + 0.5));
            let (_, top) = area.get_base_pixel();
            let label_at = (i32::try_from(LABELS_WIDTH).unwrap_or_default(), y - top);
            area.draw_text(&bar.label, &middle(HPos::Right), label_at)
                .map_err(chart_error)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` passes it by value")]
fn chart_error<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> BenchError {
    BenchError::Chart(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{aws::Transport, bench::Effort, measure::cold::Cold, report::Machine};

    #[test]
    fn chart_shows_the_measured_figures() {
        let mut report = Report::new(Machine::this(), Effort::QUICK);
        report.cold = Some(vec![Cold {
            function: "api",
            transport: Transport::Tls,
            ready_ms: 7.0,
            first_response_ms: 8.25,
            init_cpu_ms: 6.0,
            first_request_cpu_ms: 1.0,
            peak_memory_mb: 9.0,
        }]);
        let svg = draw(&report).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("api, tls") && svg.contains("8.25"), "{svg}");
    }
}
