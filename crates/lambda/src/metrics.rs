//! Metrics in CloudWatch's embedded metric format: members of a log line that CloudWatch Logs makes metrics of.
//!
//! Nothing is sent over the network: an invocation's measurements are written with its line (see
//! [`crate::logging::write`]), and `_aws`, a further member of that line, names the members that are metrics and those
//! that are dimensions. `docs/decisions/0301-metrics.md` has the reason why no library does this.
//!
//! Source: "Specification: Embedded metric format" in the Amazon CloudWatch User Guide.

use std::{
    borrow::Cow,
    sync::OnceLock,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, Serializer, ser::SerializeMap};

/// The namespace of the metrics in CloudWatch, unless [`NAMESPACE_VARIABLE`] names another.
pub const NAMESPACE: &str = "TenantManagement";
/// Names another namespace, or [`NO_METRICS`].
pub const NAMESPACE_VARIABLE: &str = "METRICS_NAMESPACE";
/// The value of [`NAMESPACE_VARIABLE`] that disables metrics.
pub const NO_METRICS: &str = "none";
/// The dimension that every metric has: each deployment has functions of its own names.
pub const FUNCTION_NAME: &str = "function_name";

/// Set by Lambda in every execution environment.
const FUNCTION_NAME_VARIABLE: &str = "AWS_LAMBDA_FUNCTION_NAME";
/// The limit of `PutMetricData` in the CloudWatch API, in characters.
const MAX_NAMESPACE_LENGTH: usize = 255;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Where an invocation's measurements go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The namespace of all metrics.
    pub namespace: String,
    /// The value of [`FUNCTION_NAME`].
    pub function_name: String,
}

/// A namespace that CloudWatch would reject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{NAMESPACE_VARIABLE} is {0:?}; it must be 1 to {MAX_NAMESPACE_LENGTH} letters, digits or . - _ / # : and not start \
     with AWS/ or a colon; {NO_METRICS} writes no metrics"
)]
pub struct InvalidNamespace(String);

impl Settings {
    /// The settings of a function, whose name outside Lambda is `own_name`. There are metrics in Lambda, and elsewhere if
    /// a namespace is named. `lookup` reads one environment variable.
    pub fn from_variables(
        own_name: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidNamespace> {
        let lookup = |name| lookup(name).filter(|value| !value.is_empty());
        let function_name = lookup(FUNCTION_NAME_VARIABLE);
        let namespace = match lookup(NAMESPACE_VARIABLE) {
            Some(namespace) if namespace == NO_METRICS => return Ok(None),
            Some(namespace) if is_namespace(&namespace) => namespace,
            Some(namespace) => return Err(InvalidNamespace(namespace)),
            None if function_name.is_some() => NAMESPACE.to_owned(),
            None => return Ok(None),
        };
        Ok(Some(Self {
            namespace,
            function_name: function_name.unwrap_or_else(|| own_name.to_owned()),
        }))
    }
}

fn is_namespace(text: &str) -> bool {
    text.len() <= MAX_NAMESPACE_LENGTH
        && !text.starts_with("AWS/")
        && !text.starts_with(':')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte))
}

/// Writes metrics from now on. Without a call, and with `None`, lines are logs only. A second call changes nothing.
pub fn init(settings: Option<Settings>) {
    if let Some(settings) = settings {
        // The first call decides.
        let _ = SETTINGS.set(settings);
    }
}

pub(crate) fn settings() -> Option<&'static Settings> {
    SETTINGS.get()
}

/// A metric of a function, as its documentation lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The name in CloudWatch, and of the member of the line.
    pub name: Cow<'static, str>,
    /// The unit of its values.
    pub unit: Unit,
    /// The sets of dimensions: each makes one series of values for each combination of the dimensions' values.
    pub dimensions: &'static [&'static [&'static str]],
}

/// The unit of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Number of events.
    Count,
    /// Duration.
    Milliseconds,
}

impl Metric {
    /// A metric of counts.
    #[must_use]
    pub const fn count(name: &'static str, dimensions: &'static [&'static [&'static str]]) -> Self {
        Self {
            name: Cow::Borrowed(name),
            unit: Unit::Count,
            dimensions,
        }
    }

    /// A metric of durations.
    #[must_use]
    pub const fn milliseconds(name: &'static str, dimensions: &'static [&'static [&'static str]]) -> Self {
        Self {
            name: Cow::Borrowed(name),
            unit: Unit::Milliseconds,
            dimensions,
        }
    }
}

/// The measurements of one invocation: each metric once, and each dimension that a metric names.
#[derive(Debug, Clone, Default)]
pub struct Measurements<'a> {
    dimensions: Vec<(&'static str, &'a str)>,
    values: Vec<(Metric, f64)>,
}

impl<'a> Measurements<'a> {
    /// Gives a dimension its value.
    pub fn dimension(&mut self, name: &'static str, value: &'a str) {
        self.dimensions.push((name, value));
    }

    /// Adds to what a metric counts.
    pub fn count(&mut self, metric: Metric, times: u32) {
        self.values.push((metric, times.into()));
    }

    /// As [`count`](Self::count), where zero times is nothing to speak of: such a metric has no values while all is well.
    pub fn count_some(&mut self, metric: Metric, times: u32) {
        if times > 0 {
            self.count(metric, times);
        }
    }

    /// Gives a metric of times its value, to the microsecond.
    pub fn time(&mut self, metric: Metric, time: std::time::Duration) {
        self.values
            .push((metric, (time.as_secs_f64() * 1_000_000.0).round() / 1000.0));
    }
}

/// The members of a line: dimensions and values, and where there are settings, what makes metrics of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members<'a> {
    pub(crate) measured: &'a Measurements<'a>,
    pub(crate) settings: Option<&'a Settings>,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.measured.dimensions {
            map.serialize_entry(name, value)?;
        }
        for (metric, value) in &self.measured.values {
            match metric.unit {
                // Counts come from whole numbers.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they were a u32")]
                Unit::Count => map.serialize_entry(&metric.name, &(*value as u32))?,
                Unit::Milliseconds => map.serialize_entry(&metric.name, value)?,
            }
        }
        if let Some(settings) = self.settings {
            map.serialize_entry(FUNCTION_NAME, &settings.function_name)?;
            map.serialize_entry("_aws", &Metadata::new(settings, self.measured))?;
        }
        map.end()
    }
}

/// The member that makes metrics of others.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    /// Milliseconds since the epoch.
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive<'a>>,
}

/// The metrics that share their sets of dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: &'static [&'static [&'static str]],
    metrics: Vec<Definition<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition<'a> {
    name: &'a str,
    unit: Unit,
}

impl<'a> Metadata<'a> {
    fn new(settings: &'a Settings, measured: &'a Measurements<'_>) -> Self {
        let mut directives: Vec<Directive<'a>> = Vec::new();
        for (metric, _) in &measured.values {
            let definition = Definition {
                name: &metric.name,
                unit: metric.unit,
            };
            match directives
                .iter_mut()
                .find(|directive| directive.dimensions == metric.dimensions)
            {
                Some(directive) => directive.metrics.push(definition),
                None => directives.push(Directive {
                    namespace: &settings.namespace,
                    dimensions: metric.dimensions,
                    metrics: vec![definition],
                }),
            }
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            timestamp: u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX),
            cloud_watch_metrics: directives,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Option<Settings>, InvalidNamespace> {
        Settings::from_variables("api", |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn metrics_in_lambda_have_the_functions_name() {
        let settings = settings(&[(FUNCTION_NAME_VARIABLE, "logging-api-service")])
            .unwrap()
            .unwrap();
        assert_eq!(settings.namespace, NAMESPACE);
        assert_eq!(settings.function_name, "logging-api-service");
    }

    #[test]
    fn metrics_outside_lambda_need_a_named_namespace() {
        assert_eq!(settings(&[]), Ok(None));
        assert_eq!(settings(&[(NAMESPACE_VARIABLE, "")]), Ok(None));
        let named = settings(&[(NAMESPACE_VARIABLE, "Team/Tenants")]).unwrap().unwrap();
        assert_eq!((&*named.namespace, &*named.function_name), ("Team/Tenants", "api"));
    }

    #[test]
    fn namespace_none_disables_metrics() {
        let variables = [(FUNCTION_NAME_VARIABLE, "f"), (NAMESPACE_VARIABLE, NO_METRICS)];
        assert_eq!(settings(&variables), Ok(None));
    }

    #[test]
    fn invalid_namespace_is_an_error_that_names_its_variable() {
        for namespace in ["AWS/Lambda", ":a", "a b", "é", &"a".repeat(256)] {
            let error = settings(&[(NAMESPACE_VARIABLE, namespace)]).unwrap_err();
            assert!(error.to_string().contains(NAMESPACE_VARIABLE), "{error}");
        }
    }

    fn members(settings: Option<&Settings>) -> Value {
        const BY_FUNCTION: &[&[&str]] = &[&[FUNCTION_NAME]];
        let mut measured = Measurements::default();
        measured.dimension("route", "/health");
        measured.count(Metric::count("requests", &[&[FUNCTION_NAME, "route"]]), 1);
        measured.time(
            Metric::milliseconds("duration_ms", &[&[FUNCTION_NAME, "route"]]),
            Duration::from_nanos(1_234_567),
        );
        measured.count(Metric::count("retries", BY_FUNCTION), 2);
        measured.count_some(Metric::count("throttles", BY_FUNCTION), 0);
        serde_json::to_value(Members {
            measured: &measured,
            settings,
        })
        .unwrap()
    }

    #[test]
    fn metrics_with_the_same_dimensions_share_a_directive() {
        let settings = Settings {
            namespace: "N".to_owned(),
            function_name: "f".to_owned(),
        };
        let mut members = members(Some(&settings));
        let timestamp = members["_aws"]["Timestamp"].take();
        // Later than this was written, earlier than any clock is wrong.
        assert!((1_700_000_000_000..10_000_000_000_000).contains(&timestamp.as_u64().unwrap()));
        let expected = json!({
            "route": "/health", "requests": 1, "duration_ms": 1.235, "retries": 2, "function_name": "f",
            "_aws": {"Timestamp": null, "CloudWatchMetrics": [
                {"Namespace": "N", "Dimensions": [["function_name", "route"]], "Metrics": [
                    {"Name": "requests", "Unit": "Count"}, {"Name": "duration_ms", "Unit": "Milliseconds"}]},
                {"Namespace": "N", "Dimensions": [["function_name"]], "Metrics": [{"Name": "retries", "Unit": "Count"}]},
            ]},
        });
        assert_eq!(members, expected);
    }

    #[test]
    fn without_settings_there_are_values_but_no_metrics() {
        assert_eq!(
            members(None),
            json!({"route": "/health", "requests": 1, "duration_ms": 1.235, "retries": 2})
        );
    }
}
