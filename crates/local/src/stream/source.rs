//! The records of one table's stream, as the database returns them in this process. Over HTTP, its records do not say who
//! deleted an expired item: it has other names for that than the SDK.

use dynoxide::{
    Database, DynoxideError,
    actions::{
        create_table::StreamSpecification, get_records::GetRecordsRequest, get_shard_iterator::encode_shard_iterator,
        update_table::UpdateTableRequest,
    },
    streams,
};

use super::{
    batch::{Batch, Table},
    checkpoint::Checkpoint,
    error::ReadError,
    label::Label,
};

/// What records contain: the item before and after the change.
const VIEW: &str = "NEW_AND_OLD_IMAGES";

/// The stream of one table.
pub(super) struct Source {
    database: Database,
    table: String,
    region: String,
}

impl Source {
    /// Gives the table a stream, unless it has one.
    pub(super) fn open(database: Database, table: &str, region: &str) -> Result<Self, DynoxideError> {
        let source = Self {
            database,
            table: table.to_owned(),
            region: region.to_owned(),
        };
        let metadata = source.database.get_table_metadata(table)?;
        let is_enabled = metadata
            .is_some_and(|metadata| metadata.stream_enabled && metadata.stream_view_type.as_deref() == Some(VIEW));
        // The database would give an enabled stream a new label.
        if !is_enabled {
            source.database.update_table(UpdateTableRequest {
                table_name: table.to_owned(),
                stream_specification: Some(StreamSpecification {
                    stream_enabled: true,
                    stream_view_type: Some(VIEW.to_owned()),
                }),
                ..UpdateTableRequest::default()
            })?;
        }
        Ok(source)
    }

    /// The table's name.
    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// The next batch after a checkpoint, of at most `limit` records, if there are any.
    pub(super) fn read(&self, checkpoint: &Checkpoint, limit: usize) -> Result<Option<Batch>, ReadError> {
        let shard = streams::shard_id(&self.table);
        let shard_iterator = encode_shard_iterator(&self.table, &shard, checkpoint.position.stored());
        let request = GetRecordsRequest {
            shard_iterator,
            limit: Some(limit),
        };
        let records = match self.database.get_records(request) {
            // Somebody has deleted the table.
            Err(DynoxideError::ResourceNotFoundException(_)) => return Ok(None),
            response => response?.records,
        };
        // After the records: a label that is newer than they are is recognized, one that is older is not.
        let metadata = self.database.get_table_metadata(&self.table)?;
        let Some(label) = metadata.and_then(|metadata| metadata.stream_label).map(Label::new) else {
            return Ok(None);
        };
        let table = Table {
            name: &self.table,
            region: &self.region,
            label: &label,
        };
        let mut batch = Batch::take(&records, &table, checkpoint)?;
        if let Some(batch) = &mut batch {
            batch.has_more |= records.len() == limit;
        }
        Ok(batch)
    }
}
