//! A configuration as it was at some time.

use chrono::{DateTime, Utc};
use futures_util::future::try_join;
use tenant_core::{
    ConfigKey, StoredConfig,
    history::{AsOf, Entry, Event, as_of},
};

use crate::{
    http::{context::Now, error::ApiError, rejection::QueryError},
    state::AppState,
};

/// The configuration at the end of that second, or `None` where there was none.
///
/// What changed since is in the history. The item itself is what it was if nothing changed, which the latest entry shows:
/// entries follow the table, and one that is still on its way would be missed.
pub(crate) async fn find(
    state: &AppState,
    key: &ConfigKey,
    at: DateTime<Utc>,
    now: Now,
) -> Result<Option<StoredConfig>, ApiError> {
    let history = state.history()?;
    if at > now.0 {
        return Err(QueryError::Future("at").into());
    }
    // Before the history, so that no change between the two reads is missing in both.
    let current = state.stores.configs.get_unswept(key).await?.map(|found| found.value);
    let (next, recording) = try_join(history.first_after(key, at, now.0), history.recording()).await?;
    let since = recording.map_or(now.0, |recording| recording.since(now.0));
    let found = as_of(at, since, next.as_ref(), current.clone());
    if next.is_none() && found != AsOf::Unknown {
        let newest = history.newest(key, now.0).await?;
        if !is_up_to_date(newest.as_ref(), current.as_ref()) {
            return Err(ApiError::HistoryBehind);
        }
    }
    match found {
        AsOf::Config(config) => Ok(Some(config)),
        AsOf::Absent => Ok(None),
        AsOf::Unknown => Err(ApiError::NotRecorded { since }),
    }
}

/// Whether the latest entry is of the latest change, as far as versions show. Each write of this service makes another
/// version.
fn is_up_to_date(newest: Option<&Entry>, current: Option<&StoredConfig>) -> bool {
    match (newest, current) {
        // A configuration that nobody has changed since the history began, or the baseline is not complete.
        (None, _) => true,
        (Some(newest), None) => match newest.event {
            Event::Deleted | Event::Expired => true,
            Event::Observed => newest.configuration().is_none(),
            Event::Created | Event::Updated => false,
        },
        (Some(newest), Some(current)) => match newest.event {
            Event::Deleted | Event::Expired => false,
            Event::Observed | Event::Created | Event::Updated => {
                newest.version.is_none() || newest.version.as_deref() == current.version()
            }
        },
    }
}
