//! Batches of records, as Lambda makes them.

use dynoxide::actions::get_records::Record;

use super::{
    checkpoint::Checkpoint,
    error::ReadError,
    event::{EventWriter, Origin},
    label::Label,
    position::Position,
};
use crate::id;

/// Records of one stream that are handled in one invocation.
pub(super) struct Batch {
    /// The stream's label.
    pub(super) label: Label,
    /// The event of the invocation.
    pub(super) event: Vec<u8>,
    /// The places of the records in the event.
    pub(super) positions: Vec<Position>,
    /// The place after which the next batch begins.
    pub(super) end: Position,
    /// Whether there are records after the batch, as far as is known.
    pub(super) has_more: bool,
}

/// The table whose records they are.
pub(super) struct Table<'a> {
    pub(super) name: &'a str,
    pub(super) region: &'a str,
    /// The label of its stream now.
    pub(super) label: &'a Label,
}

impl Batch {
    /// Takes as many of the records after the checkpoint as fit into one event. Returns nothing for no records.
    pub(super) fn take(
        records: &[Record],
        table: &Table<'_>,
        checkpoint: &Checkpoint,
    ) -> Result<Option<Self>, ReadError> {
        let Some(first) = records.first() else {
            return Ok(None);
        };
        let label = checkpoint.label_at(position(first)?, table.label);
        let Table { name, region, .. } = table;
        let stream_arn = format!("arn:aws:dynamodb:{region}:{}:table/{name}/stream/{label}", id::ACCOUNT);
        let origin = Origin {
            region,
            stream_arn: &stream_arn,
        };
        let mut batch = Self {
            label: label.clone(),
            event: Vec::new(),
            positions: Vec::with_capacity(records.len()),
            end: checkpoint.position,
            has_more: false,
        };
        let mut event = EventWriter::new();
        for record in records {
            let position = position(record)?;
            let is_of_stream = checkpoint.label_at(position, table.label) == label;
            let has_changed = has_changed(record);
            if !is_of_stream || (has_changed && !event.push(record, &origin)?) {
                batch.has_more = true;
                break;
            }
            if has_changed {
                batch.positions.push(position);
            }
            batch.end = position;
        }
        batch.event = event.finish();
        Ok(Some(batch))
    }
}

fn position(record: &Record) -> Result<Position, ReadError> {
    let number = &record.dynamodb.sequence_number;
    Position::parse(number).ok_or_else(|| ReadError::SequenceNumber(number.clone()))
}

/// DynamoDB has no record of a write that leaves an item as it was. The database has.
fn has_changed(record: &Record) -> bool {
    record.dynamodb.old_image != record.dynamodb.new_image
}
