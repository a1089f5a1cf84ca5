//! The figures of one run, as JSON and as text.

use std::{
    fmt::{self, Display, Formatter},
    fs,
};

use chrono::{SecondsFormat, Utc};
use serde::Serialize;

use crate::{
    bench::Effort,
    measure::{
        batch::Batch, change::Change, cold::Cold, endurance::Endurance, faults::Faulty, growth::Growth,
        history::History, logging::Logging, query::Query, search::Searched, throughput::Throughput, warm::Warm,
        writes::Writes,
    },
    programs::Size,
};

/// The figures of the measured parts. The others are absent.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// RFC 3339.
    pub(crate) taken_at: String,
    pub(crate) machine: Machine,
    pub(crate) effort: Effort,
    pub(crate) sizes: Option<Vec<Size>>,
    pub(crate) cold: Option<Vec<Cold>>,
    pub(crate) warm: Option<Vec<Warm>>,
    pub(crate) logging: Option<Vec<Logging>>,
    pub(crate) query: Option<Vec<Query>>,
    pub(crate) growth: Option<Vec<Growth>>,
    pub(crate) search: Option<Vec<Searched>>,
    pub(crate) throughput: Option<Vec<Throughput>>,
    pub(crate) batch: Option<Batch>,
    pub(crate) change: Option<Vec<Change>>,
    pub(crate) history: Option<History>,
    pub(crate) writes: Option<Vec<Writes>>,
    pub(crate) faults: Option<Vec<Faulty>>,
    pub(crate) endurance: Option<Vec<Endurance>>,
    pub(crate) bars: Vec<Bar>,
}

impl Report {
    /// Without any figures yet.
    pub(crate) fn new(machine: Machine, effort: Effort) -> Self {
        Self {
            taken_at: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
            machine,
            effort,
            sizes: None,
            cold: None,
            warm: None,
            logging: None,
            query: None,
            growth: None,
            search: None,
            throughput: None,
            batch: None,
            change: None,
            history: None,
            writes: None,
            faults: None,
            endurance: None,
            bars: Vec::new(),
        }
    }
}

/// Where it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    kernel: String,
    /// Of the minute before; a machine that does something else besides gives figures that are worth nothing.
    pub(crate) load: f64,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo").lines().find_map(|line| {
            line.strip_prefix("model name")?
                .split(": ")
                .nth(1)
                .map(ToOwned::to_owned)
        });
        Self {
            processor: processor.unwrap_or_else(|| "unknown".to_owned()),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg")
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
        }
    }
}

/// A figure and its limit.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    pub(crate) met: bool,
}

impl Bar {
    pub(crate) fn at_most(name: impl Into<String>, limit: f64, measured: f64) -> Self {
        Self {
            name: name.into(),
            measured,
            limit,
            met: measured <= limit,
        }
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Machine {
            processor,
            processors,
            kernel,
            load,
        } = &self.machine;
        let rounds = self.effort.rounds;
        writeln!(
            out,
            "{}, {processors} x {processor}, Linux {kernel}, load {load}",
            self.taken_at
        )?;
        writeln!(out, "medians of {rounds} rounds")?;
        sizes(out, self.sizes.as_deref().unwrap_or_default())?;
        cold(out, self.cold.as_deref().unwrap_or_default())?;
        warm(out, self.warm.as_deref().unwrap_or_default())?;
        logging(out, self.logging.as_deref().unwrap_or_default())?;
        query(out, self.query.as_deref().unwrap_or_default())?;
        growth(out, self.growth.as_deref().unwrap_or_default())?;
        search(out, self.search.as_deref().unwrap_or_default())?;
        throughput(out, self.throughput.as_deref().unwrap_or_default())?;
        batch(out, self.batch.as_slice())?;
        change(out, self.change.as_deref().unwrap_or_default())?;
        history(out, self.history.as_slice())?;
        writes(out, self.writes.as_deref().unwrap_or_default())?;
        faults(out, self.faults.as_deref().unwrap_or_default())?;
        endurance(out, self.endurance.as_deref().unwrap_or_default())?;
        bars(out, &self.bars)
    }
}

/// A heading over the rows of a table, unless there are none.
fn table<T>(
    out: &mut Formatter<'_>,
    heading: &str,
    rows: &[T],
    row: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    rows.iter().try_for_each(|each| row(out, each))
}

fn sizes(out: &mut Formatter<'_>, sizes: &[Size]) -> fmt::Result {
    table(
        out,
        "size                    binary, kB   zip, kB",
        sizes,
        |out, size| {
            writeln!(
                out,
                "{:<24}{:>10}{:>10}",
                size.program,
                size.binary_bytes / 1000,
                size.zip_bytes / 1000
            )
        },
    )
}

fn cold(out: &mut Formatter<'_>, starts: &[Cold]) -> fmt::Result {
    let heading = "cold start         ready, ms  response, ms  CPU of init  of first, ms  peak, MB";
    table(out, heading, starts, |out, start| {
        writeln!(
            out,
            "{:<24}{:>6.2}{:>12.2}{:>13.2}{:>14.2}{:>10.1}",
            format!("{} {:?}", start.function, start.transport).to_lowercase(),
            start.ready_ms,
            start.first_response_ms,
            start.init_cpu_ms,
            start.first_request_cpu_ms,
            start.peak_memory_mb,
        )
    })
}

fn warm(out: &mut Formatter<'_>, routes: &[Warm]) -> fmt::Result {
    let heading = "warm                     p50, us   p99, us       floor, us  calls  peak, MB";
    table(out, heading, routes, |out, route| {
        let (trips, count) = route
            .round_trips
            .as_ref()
            .map_or((0.0, 0), |trips| (trips.floor_p50_us, trips.count));
        writeln!(
            out,
            "{:<24}{:>8.0}{:>10.0}{trips:>16.0}{count:>7}{:>10.1}",
            format!("{} {}", route.function, route.route),
            route.p50_us,
            route.p99_us,
            route.peak_memory_mb,
        )
    })
}

fn logging(out: &mut Formatter<'_>, functions: &[Logging]) -> fmt::Result {
    table(
        out,
        "logs              on: response, us  and after  off: response, us  and after",
        functions,
        |out, Logging { function, on, off }| {
            writeln!(
                out,
                "{function:<20}{:>16.1}{:>11.1}{:>17.1}{:>11.1}",
                on.response_p50_us, on.rest_p50_us, off.response_p50_us, off.rest_p50_us
            )
        },
    )
}

fn query(out: &mut Formatter<'_>, rows: &[Query]) -> fmt::Result {
    table(
        out,
        "query pairs          signed, p50 us   forged, p50 us",
        rows,
        |out, query| {
            writeln!(
                out,
                "{:<20}{:>15.0}{:>17.0}",
                query.pairs, query.canonical_p50_us, query.forged_p50_us
            )
        },
    )
}

fn growth(out: &mut Formatter<'_>, tables: &[Growth]) -> fmt::Result {
    let heading = "items       first page, us  later page, us       floor, us   walk, ms  pages  peak, MB";
    table(out, heading, tables, |out, growth| {
        writeln!(
            out,
            "{:<12}{:>14.0}{:>16.0}{:>16.0}{:>11.0}{:>7}{:>10.1}",
            growth.items,
            growth.first_page_p50_us,
            growth.later_page_p50_us,
            growth.later_page_round_trip_us,
            growth.walk_ms,
            growth.walk_pages,
            growth.peak_memory_mb,
        )
    })
}

fn search(out: &mut Formatter<'_>, filters: &[Searched]) -> fmt::Result {
    let heading = "filter                       items  search, ms  pages  bare scan, ms  peak, MB";
    table(out, heading, filters, |out, search| {
        writeln!(
            out,
            "{:<26}{:>8}{:>12.0}{:>7}{:>15.0}{:>10.1}",
            search.filter, search.items, search.search_ms, search.pages, search.scan_ms, search.peak_memory_mb,
        )
    })
}

fn throughput(out: &mut Formatter<'_>, rows: &[Throughput]) -> fmt::Result {
    table(out, "sandboxes responses a second", rows, |out, throughput| {
        writeln!(
            out,
            "{:<12}{:>16.0}",
            throughput.sandboxes, throughput.responses_per_second
        )
    })
}

fn batch(out: &mut Formatter<'_>, rows: &[Batch]) -> fmt::Result {
    let heading = "batch       local: batch, ms  requests  16 at once  function: batch, ms  bare writes  peak, MB";
    table(out, heading, rows, |out, batch| {
        writeln!(
            out,
            "{:<12}{:>16.0}{:>10.0}{:>12.0}{:>21.0}{:>13.0}{:>10.1}",
            batch.operations,
            batch.local_batch_ms,
            batch.local_singles_ms,
            batch.local_parallel_ms,
            batch.function_batch_ms,
            batch.bare_writes_ms,
            batch.peak_memory_mb,
        )
    })
}

fn history(out: &mut Formatter<'_>, rows: &[History]) -> fmt::Result {
    table(
        out,
        "from a change to the history of the local server",
        rows,
        |out, history| {
            writeln!(
                out,
                "{:<24}{:>9.2} ms p50{:>9.2} ms p99",
                "change", history.lag_p50_ms, history.lag_p99_ms
            )
        },
    )?;
    let pages: Vec<_> = rows.iter().flat_map(|history| &history.pages).collect();
    table(
        out,
        "history                  entries    p50, us",
        &pages,
        |out, page| writeln!(out, "{:<24}{:>8}{:>11.0}", page.what, page.entries, page.p50_us),
    )
}

fn change(out: &mut Formatter<'_>, routes: &[Change]) -> fmt::Result {
    let heading = "names of changes         p50, us       floor, us  former floor  now / former";
    table(out, heading, routes, |out, change| {
        writeln!(
            out,
            "{:<24}{:>8.0}{:>16.0}{:>14.0}{:>14.2}",
            change.route, change.p50_us, change.floor_p50_us, change.former_floor_p50_us, change.ratio,
        )
    })
}

fn writes(out: &mut Formatter<'_>, routes: &[Writes]) -> fmt::Result {
    let heading = "local server, closed loop  mean, us  former, us  now / former";
    table(out, heading, routes, |out, writes| {
        writeln!(
            out,
            "{:<24}{:>11.0}{:>12.0}{:>14.2}",
            writes.route, writes.mean_us, writes.former_mean_us, writes.ratio,
        )
    })
}

fn faults(out: &mut Formatter<'_>, faults: &[Faulty]) -> fmt::Result {
    let heading = "fault           requests  succeeded  slowest, ms  late  lost  wrong";
    table(out, heading, faults, |out, fault| {
        writeln!(
            out,
            "{:<16}{:>8}{:>11}{:>13.0}{:>6}{:>6}{:>7}",
            fault.fault, fault.requests, fault.succeeded, fault.slowest_ms, fault.late, fault.lost, fault.wrong,
        )
    })
}

fn endurance(out: &mut Formatter<'_>, functions: &[Endurance]) -> fmt::Result {
    let heading = "endurance   invocations  settled, MB  ended, MB  files settled  ended";
    table(out, heading, functions, |out, function| {
        writeln!(
            out,
            "{:<12}{:>11}{:>13.2}{:>11.2}{:>15}{:>7}",
            function.function,
            function.invocations,
            function.settled.memory_mb,
            function.ended.memory_mb,
            function.settled.open_files,
            function.ended.open_files,
        )
    })
}

fn bars(out: &mut Formatter<'_>, bars: &[Bar]) -> fmt::Result {
    table(
        out,
        "bar                                                   measured   at most",
        bars,
        |out, bar| {
            let verdict = if bar.met { "met" } else { "NOT MET" };
            writeln!(
                out,
                "{:<52}{:>10.2}{:>10.2}  {verdict}",
                bar.name, bar.measured, bar.limit
            )
        },
    )
}
