//! The bars: limits on the figures of one run. Times are only compared with other times of the same run.

use crate::{
    aws::Transport,
    measure::{
        batch::Batch, change::Change, cold::Cold, endurance::Endurance, faults::Faulty, growth::Growth,
        history::History, logging::Logging, search::Searched, warm::Warm,
    },
    programs::Size,
    report::{Bar, Report},
};

/// Evaluates the bars on the figures of the report. Parts that were not measured have no bars.
pub(crate) fn evaluate(report: &Report) -> Vec<Bar> {
    let mut bars = Vec::new();
    bars.extend(report.sizes.iter().flatten().flat_map(sizes));
    bars.extend(report.cold.as_deref().map(cold).into_iter().flatten());
    bars.extend(report.warm.as_deref().map(warm).into_iter().flatten());
    bars.extend(report.logging.iter().flatten().map(logging));
    bars.extend(report.growth.as_deref().map(growth).into_iter().flatten());
    bars.extend(report.batch.iter().flat_map(batch));
    bars.extend(report.change.iter().flatten().filter_map(change));
    bars.extend(report.history.iter().flat_map(history));
    bars.extend(report.search.iter().flatten().flat_map(search));
    bars.extend(report.faults.iter().flatten().flat_map(faults));
    bars.extend(report.endurance.iter().flatten().flat_map(endurance));
    bars
}

fn sizes(size: &Size) -> Vec<Bar> {
    let (binary, zip) = match size.program {
        "api" => (7.0, 3.0),
        "authorizer" => (5.0, 2.3),
        _ => return Vec::new(),
    };
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53 bytes")]
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    vec![
        Bar::at_most(
            format!("{} binary, MB", size.program),
            binary,
            megabytes(size.binary_bytes),
        ),
        Bar::at_most(format!("{} zip, MB", size.program), zip, megabytes(size.zip_bytes)),
    ]
}

fn cold(starts: &[Cold]) -> Vec<Bar> {
    let first_response = |function, transport| {
        let start = starts
            .iter()
            .find(|start| (start.function, start.transport) == (function, transport));
        start.map_or(f64::NAN, |start| start.first_response_ms)
    };
    let ratio = |function, floor, transport| first_response(function, transport) / first_response(floor, transport);
    vec![
        Bar::at_most(
            "api, first response / getitem's",
            1.25,
            ratio("api", "getitem", Transport::Plain),
        ),
        Bar::at_most(
            "api, first response / getitem's, TLS",
            1.1,
            ratio("api", "getitem", Transport::Tls),
        ),
        Bar::at_most(
            "authorizer, first response / echo's",
            6.0,
            ratio("authorizer", "echo", Transport::Plain),
        ),
    ]
}

fn warm(routes: &[Warm]) -> Vec<Bar> {
    let find = |function, route| {
        routes
            .iter()
            .find(|warm| (warm.function, warm.route) == (function, route))
    };
    let p50 = |function, route| find(function, route).map_or(f64::NAN, |warm| warm.p50_us);
    let echo = p50("echo", "echo");
    let get_one = find("api", "GET one").and_then(|warm| warm.round_trips.as_ref());
    // A function that does nothing but the GetItem: the echo is in it.
    let get_item = get_one.map_or(f64::NAN, |trips| trips.floor_p50_us);
    let mut bars = vec![
        Bar::at_most(
            "api, GET one / (echo + GetItem)",
            1.25,
            p50("api", "GET one") / get_item,
        ),
        Bar::at_most("authorizer / echo", 2.0, p50("authorizer", "authorize") / echo),
    ];
    bars.extend(routes.iter().filter_map(|warm| {
        let trips = warm.round_trips.as_ref()?;
        let name = format!("api, {} / its round trips", warm.route);
        Some(Bar::at_most(name, 2.0, warm.p50_us / (trips.floor_p50_us - echo)))
    }));
    for (function, limit) in [("api", 12.0), ("authorizer", 10.0)] {
        let memory = routes
            .iter()
            .filter(|warm| warm.function == function)
            .map(|warm| warm.peak_memory_mb);
        bars.push(Bar::at_most(
            format!("{function}, peak memory, MB"),
            limit,
            memory.fold(0.0, f64::max),
        ));
    }
    bars
}

fn logging(Logging { function, on, off }: &Logging) -> Bar {
    Bar::at_most(
        format!("{function}, response with logs and metrics / without"),
        1.05,
        on.response_p50_us / off.response_p50_us,
    )
}

fn growth(tables: &[Growth]) -> Vec<Bar> {
    let (Some(small), Some(large)) = (tables.first(), tables.last()) else {
        return Vec::new();
    };
    let name = |page: &str| format!("{page} page of 50, {} / {} items", large.items, small.items);
    vec![
        Bar::at_most(name("first"), 1.2, large.first_page_p50_us / small.first_page_p50_us),
        Bar::at_most(name("later"), 1.2, large.later_page_p50_us / small.later_page_p50_us),
    ]
}

fn batch(batch: &Batch) -> Vec<Bar> {
    vec![
        // 2.5 times faster.
        Bar::at_most(
            "batch / as many requests, local server",
            0.4,
            batch.local_batch_ms / batch.local_singles_ms,
        ),
        Bar::at_most(
            "api, batch / bare conditional writes",
            1.3,
            batch.function_batch_ms / batch.bare_writes_ms,
        ),
        Bar::at_most("api, peak memory of the largest batch, MB", 40.0, batch.peak_memory_mb),
    ]
}

/// That a page costs the same in a long history as in a short one.
fn history(history: &History) -> Vec<Bar> {
    let pages = history.pages.iter();
    let pairs = pages.flat_map(|short| {
        let long = history.pages.iter();
        let long = long.filter(|long| long.what == short.what && long.entries > short.entries);
        long.map(move |long| (short, long))
    });
    let bars = pairs.map(|(short, long)| {
        let name = format!("history, {}: {} entries / {}", long.what, long.entries, short.entries);
        Bar::at_most(name, 1.5, long.p50_us / short.p50_us)
    });
    bars.collect()
}

/// That a change names its request.
fn change(change: &Change) -> Option<Bar> {
    let limit = match change.route {
        "PATCH" => 1.1,
        "DELETE" => 2.2,
        _ => return None,
    };
    let name = format!("api, {} with the name of its request / without", change.route);
    Some(Bar::at_most(name, limit, change.ratio))
}

/// The time of a search whose filter the table checks. Others are in the report: what they find has to be sent and read.
fn search(search: &Searched) -> Vec<Bar> {
    let memory = Bar::at_most(
        format!("search {}, peak memory, MB", search.filter),
        40.0,
        search.peak_memory_mb,
    );
    if search.filter.starts_with("tenant_id") {
        let name = format!("search {} / bare scan", search.filter);
        return vec![Bar::at_most(name, 1.5, search.search_ms / search.scan_ms), memory];
    }
    vec![memory]
}

fn faults(fault: &Faulty) -> Vec<Bar> {
    let name = |what: &str| format!("{}, {what}", fault.fault);
    vec![
        Bar::at_most(name("requests without a response in time"), 0.0, f64::from(fault.late)),
        Bar::at_most(name("acknowledged writes lost"), 0.0, f64::from(fault.lost)),
        Bar::at_most(name("responses that report another fault"), 0.0, f64::from(fault.wrong)),
    ]
}

/// The memory of a process at the end, in relation to its memory when it had settled: allocators keep freed memory.
const MEMORY_GROWTH: f64 = 1.05;

fn endurance(function: &Endurance) -> Vec<Bar> {
    let Endurance {
        function,
        settled,
        ended,
        invocations,
    } = function;
    let name = |what: &str| format!("{function}, {what} after {invocations} invocations / settled");
    #[expect(clippy::cast_precision_loss, reason = "open files are few")]
    let files = ended.open_files as f64 / settled.open_files as f64;
    vec![
        Bar::at_most(name("memory"), MEMORY_GROWTH, ended.memory_mb / settled.memory_mb),
        Bar::at_most(name("open files"), 1.0, files),
    ]
}
