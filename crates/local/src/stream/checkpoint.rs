//! How far a stream is handled, kept from one start of the server to the next.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{label::Label, position::Position};
use crate::data_dir::PRIVATE_FILE;

/// All records up to a place are handled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    /// The label of the stream of the last record that was handled.
    label: Option<Label>,
    /// The place of that record.
    pub(super) position: Position,
}

impl Checkpoint {
    pub(super) fn new(label: Label, position: Position) -> Self {
        let label = Some(label);
        Self { label, position }
    }

    /// The label of the stream that a record after this checkpoint belongs to. `current` is the table's stream now: records
    /// from before it was enabled are of the stream of the checkpoint. So a record that is repeated has the label that it
    /// had.
    pub(super) fn label_at<'a>(&'a self, position: Position, current: &'a Label) -> &'a Label {
        match &self.label {
            Some(earlier) if position < current.start() => earlier,
            _ => current,
        }
    }
}

/// The file with the checkpoint of a table's stream. It may contain those of other tables: each stage has its own.
#[derive(Debug)]
pub(crate) struct CheckpointFile {
    path: PathBuf,
    table: String,
    /// The content at the start, by table.
    found: BTreeMap<String, Checkpoint>,
}

impl CheckpointFile {
    /// Reads the file, if there is one.
    pub(crate) fn open(path: PathBuf, table: &str) -> Self {
        let read = fs::read(&path).and_then(|content| Ok(serde_json::from_slice(&content)?));
        let found = read.unwrap_or_else(|error: io::Error| {
            if error.kind() != io::ErrorKind::NotFound {
                let path = path.display();
                tracing::warn!(%path, %error, "the stream is handled from its start: the file with its checkpoint could not be read");
            }
            BTreeMap::new()
        });
        let table = table.to_owned();
        Self { path, table, found }
    }

    /// The checkpoint at the start. Without one, everything in the stream is handled, perhaps once more.
    pub(super) fn found(&self) -> Checkpoint {
        self.found.get(&self.table).cloned().unwrap_or_default()
    }

    /// Stores a checkpoint.
    ///
    /// The file is replaced as a whole, so a killed process leaves the old one or the new one. It is not forced to the disk:
    /// after a loss of power it may be old, or without content. Then records are handled again, and none is lost.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let mut all = self.found.clone();
        all.insert(self.table.clone(), checkpoint.clone());
        let draft = self.path.with_extension("draft");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(PRIVATE_FILE)
            .open(&draft)?;
        file.write_all(&serde_json::to_vec(&all)?)?;
        fs::rename(draft, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const EARLIER: &str = "1790000000.000000000";
    const CURRENT: &str = "1790000100.000000000";

    fn label(label: &str) -> Label {
        Label::new(label.to_owned())
    }

    fn position(stored: i64) -> Position {
        Position::parse(&format!("1{stored:020}")).unwrap()
    }

    #[test]
    fn checkpoint_is_stored_for_each_table_and_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream.json");
        let open = |table| CheckpointFile::open(path.clone(), table);
        assert_eq!(open("one").found(), Checkpoint::default());
        let first = Checkpoint::new(label(EARLIER), position(1));
        let second = Checkpoint::new(label(CURRENT), position(2));
        open("one").save(&second).unwrap();
        open("one").save(&first).unwrap();
        open("other").save(&second).unwrap();
        assert_eq!((open("one").found(), open("other").found()), (first, second));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE_FILE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft remains");
    }

    #[test]
    fn file_that_cannot_be_read_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stream.json");
        for content in ["", "{\"one\":", "[1]", r#"{"one":{"position":"x"}}"#] {
            fs::write(&path, content).unwrap();
            let file = CheckpointFile::open(path.clone(), "one");
            assert_eq!(file.found(), Checkpoint::default(), "{content}");
            let checkpoint = Checkpoint::new(label(EARLIER), position(1));
            file.save(&checkpoint).unwrap();
            assert_eq!(
                CheckpointFile::open(path.clone(), "one").found(),
                checkpoint,
                "{content}"
            );
        }
    }

    #[test]
    fn record_from_before_the_stream_was_enabled_has_the_label_of_the_checkpoint() {
        let (earlier, current) = (label(EARLIER), label(CURRENT));
        let checkpoint = Checkpoint::new(earlier.clone(), position(1_790_000_000_000_005));
        let before = position(1_790_000_099_999_999);
        let after = position(1_790_000_100_000_000);
        assert_eq!(checkpoint.label_at(before, &current), &earlier);
        assert_eq!(checkpoint.label_at(after, &current), &current);
        assert_eq!(Checkpoint::default().label_at(before, &current), &current);
    }
}
