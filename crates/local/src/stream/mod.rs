//! The stream of the embedded table, and what Lambda does with a stream: an event source mapping.
//!
//! A [`Driver`] invokes a function with the records of the stream, in the order of the changes and at least once. A batch
//! that the function did not handle is repeated until it does, so a function must tolerate repetition. The place that it
//! has reached is a checkpoint in the data directory.
//!
//! The database has streams, but no index on their records, and never removes one. [`StreamRecords`] adds both.

mod batch;
mod batch_response;
mod checkpoint;
mod driver;
mod error;
mod event;
mod label;
mod position;
mod records;
mod source;
mod table_stream;

pub(crate) use self::{checkpoint::CheckpointFile, driver::Driver, records::StreamRecords, table_stream::TableStream};
