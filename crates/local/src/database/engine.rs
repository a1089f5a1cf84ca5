//! DynamoDB's wire protocol over the embedded database: the name of an operation and a JSON body in, a status and a JSON
//! body out.

use std::path::PathBuf;

use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::watch;

/// What the header `X-Amz-Target` has in front of the operation.
const TARGETS: [&str; 2] = ["DynamoDB_20120810.", "DynamoDBStreams_20120810."];
/// The operations that start so only read. Others may write.
const READS: [&str; 7] = ["BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet"];

/// The database, and where it is.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) database: Database,
    /// The file with its data, unless that is in memory.
    pub(super) file: Option<PathBuf>,
    /// Changes with every operation that may have written.
    pub(super) written: watch::Sender<()>,
}

/// The response to an operation.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Calls the method of `$database` that belongs to `$operation`.
macro_rules! dispatch {
    ($database:expr, $operation:expr, $body:expr, { $($name:literal => $method:ident,)* }) => {
        match $operation {
            $($name => encode(&$database.$method(decode($body)?)?),)*
            _ => Err(DynoxideError::ValidationException("unknown operation".to_owned())),
        }
    };
}

impl Engine {
    /// Runs the operation of the header `X-Amz-Target` with its input. It waits for other operations, and for the disk.
    pub(super) fn run(&self, target: &str, body: &[u8]) -> Reply {
        let operation = TARGETS.iter().find_map(|prefix| target.strip_prefix(prefix));
        let operation = operation.unwrap_or_default();
        match self.call(operation, body) {
            Ok(body) => {
                if !READS.iter().any(|start| operation.starts_with(start)) {
                    self.written.send_replace(());
                }
                Reply { status: 200, body }
            }
            Err(error) => {
                self.log(&error);
                Reply {
                    status: error.status_code(),
                    body: error.to_json(),
                }
            }
        }
    }

    fn call(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        dispatch!(self.database, operation, body, {
            "BatchExecuteStatement" => batch_execute_statement,
            "BatchGetItem" => batch_get_item,
            "BatchWriteItem" => batch_write_item,
            "CreateTable" => create_table,
            "DeleteItem" => delete_item,
            "DeleteTable" => delete_table,
            "DescribeStream" => describe_stream,
            "DescribeTable" => describe_table,
            "DescribeTimeToLive" => describe_time_to_live,
            "ExecuteStatement" => execute_statement,
            "ExecuteTransaction" => execute_transaction,
            "GetItem" => get_item,
            "GetRecords" => get_records,
            "GetShardIterator" => get_shard_iterator,
            "ListStreams" => list_streams,
            "ListTables" => list_tables,
            "ListTagsOfResource" => list_tags_of_resource,
            "PutItem" => put_item,
            "Query" => query,
            "Scan" => scan,
            "TagResource" => tag_resource,
            "TransactGetItems" => transact_get_items,
            "TransactWriteItems" => transact_write_items,
            "UntagResource" => untag_resource,
            "UpdateItem" => update_item,
            "UpdateTable" => update_table,
            "UpdateTimeToLive" => update_time_to_live,
        })
    }

    /// Clients read only that the service failed, so the log says what to do about a damaged file.
    fn log(&self, error: &DynoxideError) {
        if error.status_code() < 500 {
            return;
        }
        let reason = error.to_string();
        match &self.file {
            Some(file) if is_damage(&reason) => {
                tracing::error!(file = %file.display(), reason, "the database file is damaged: stop the server and move it away");
            }
            _ => tracing::error!(reason, "the embedded DynamoDB failed"),
        }
    }
}

/// Whether the database's message is about the content of its file.
pub(super) fn is_damage(reason: &str) -> bool {
    ["malformed", "not a database", "corrupt"]
        .iter()
        .any(|text| reason.contains(text))
}

fn encode(output: &impl Serialize) -> Result<String, DynoxideError> {
    serde_json::to_string(output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Reads an input. The database marks what DynamoDB reports as an invalid value; anything else is malformed JSON.
fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let message = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(message, _)| message);
        let (kind, rest) = message.split_once(':').unwrap_or_default();
        if matches!(kind, "VALIDATION" | "VALIDATION_REQUEST" | "VALIDATION_AS_READ") {
            DynoxideError::ValidationException(rest.to_owned())
        } else if message.contains("missing field") || message.contains("AttributeValue") {
            DynoxideError::ValidationException(message.to_owned())
        } else {
            DynoxideError::SerializationException(message.to_owned())
        }
    })
}
