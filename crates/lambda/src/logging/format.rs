//! The format of a line: one JSON object, or the text of Lambda's other log format.

use std::{error::Error, fmt, io};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

use super::{settings::LogFormat, target::METRICS_TARGET};
use crate::chain;

/// A field of this name contains a JSON object as text, whose members become members of the line.
const MEMBERS: &str = "members";

/// Writes events as lines. Spans are omitted: every line has the ids of what it belongs to.
pub(super) struct Lines(pub(super) LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        match self.0 {
            LogFormat::Json => {
                writer.write_str("{\"timestamp\":\"")?;
                SystemTime.format_time(&mut writer)?;
                write!(writer, "\",\"level\":\"{level}\",\"target\":")?;
                write_json_string(&mut writer, target)?;
                visit(event, JsonFields::new(&mut writer))?;
                writer.write_str("}\n")
            }
            // CloudWatch Logs makes metrics of nothing but JSON.
            LogFormat::Text if target == METRICS_TARGET => {
                visit(event, BareMembers::new(&mut writer))?;
                writer.write_char('\n')
            }
            LogFormat::Text => {
                SystemTime.format_time(&mut writer)?;
                write!(writer, " {level:>5} {target}:")?;
                visit(event, TextFields::new(&mut writer))?;
                writer.write_char('\n')
            }
        }
    }
}

/// Visits the fields and returns the first failure to write.
fn visit(event: &Event<'_>, mut fields: impl Visit + Into<fmt::Result>) -> fmt::Result {
    event.record(&mut fields);
    fields.into()
}

macro_rules! field_writer {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        struct $name<'a, 'w> {
            writer: &'a mut Writer<'w>,
            result: fmt::Result,
        }

        impl<'a, 'w> $name<'a, 'w> {
            fn new(writer: &'a mut Writer<'w>) -> Self {
                Self { writer, result: Ok(()) }
            }

            fn then(&mut self, write: impl FnOnce(&mut Writer<'w>) -> fmt::Result) {
                if self.result.is_ok() {
                    self.result = write(self.writer);
                }
            }
        }

        impl From<$name<'_, '_>> for fmt::Result {
            fn from(fields: $name<'_, '_>) -> Self {
                fields.result
            }
        }
    };
}

field_writer! {
    /// Members of a JSON object, each with a comma in front.
    JsonFields
}

impl JsonFields<'_, '_> {
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        self.then(|writer| write!(writer, ",\"{}\":{value}", field.name()));
    }
}

impl Visit for JsonFields<'_, '_> {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.record_str(field, &chain(error));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.then(|writer| {
            if field.name() == MEMBERS {
                let members = value.strip_prefix('{').and_then(|object| object.strip_suffix('}'));
                return match members {
                    None | Some("") => Ok(()),
                    Some(members) => {
                        writer.write_char(',')?;
                        writer.write_str(members)
                    }
                };
            }
            write!(writer, ",\"{}\":", field.name())?;
            write_json_string(writer, value)
        });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities.
        if value.is_finite() {
            self.plain(field, value);
        }
    }
}

field_writer! {
    /// `message name=value...`
    TextFields
}

impl Visit for TextFields<'_, '_> {
    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.record_str(field, &chain(error));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.then(|writer| match field.name() {
            "message" => write_one_line(writer, format_args!(" {value:?}")),
            name => write_one_line(writer, format_args!(" {name}={value:?}")),
        });
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MEMBERS {
            self.then(|writer| write!(writer, " {value}"));
        } else {
            self.record_debug(field, &value);
        }
    }
}

field_writer! {
    /// The object of [`MEMBERS`] alone.
    BareMembers
}

impl Visit for BareMembers<'_, '_> {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MEMBERS {
            self.then(|writer| writer.write_str(value));
        }
    }
}

/// A line break within a text would begin a forged line.
fn write_one_line(writer: &mut Writer<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    let text = text.to_string();
    for (index, line) in text.split(['\n', '\r']).enumerate() {
        if index > 0 {
            writer.write_char(' ')?;
        }
        writer.write_str(line)?;
    }
    Ok(())
}

fn write_json_string(writer: &mut Writer<'_>, text: &str) -> fmt::Result {
    serde_json::to_writer(Bytes(writer), text).map_err(|_| fmt::Error)
}

/// A writer of JSON's bytes, which are text.
struct Bytes<'a, 'w>(&'a mut Writer<'w>);

impl io::Write for Bytes<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
