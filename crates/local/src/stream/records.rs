//! The records of all streams, as the database stores them: in one SQLite table, to which this adds what is missing there.
//!
//! Before each write to a table with a stream, the database reads the greatest number of the table's records, and for a
//! batch it reads those after a number. It has no index for either, so both read all records. And it keeps them for ever.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Result};

use super::position::Position;

/// One index serves both: a table has one shard.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS _stream_records_by_number \
                     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";
/// The last record remains: the number of the next one is greater, even if the clock was set back.
const TRIM: &str = "DELETE FROM _stream_records WHERE id IN ( \
                        SELECT id FROM _stream_records \
                        WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2 \
                          AND CAST(sequence_number AS INTEGER) < ( \
                              SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1) \
                        ORDER BY CAST(sequence_number AS INTEGER) \
                        LIMIT ?3)";
/// How many records are removed in one transaction: few, since the database waits for its end.
pub(super) const TRIM_LIMIT: usize = 500;
/// How long a removal waits for the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// A second connection to the database's file, for this table only.
pub(crate) struct StreamRecords(Mutex<Connection>);

impl StreamRecords {
    /// Connects to the file of a database that has been opened, and adds the index.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // A removal that is undone by a loss of power is repeated.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute(INDEX, [])?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Removes the oldest records of a table's stream, up to a place. Returns how many: [`TRIM_LIMIT`] if there may be more.
    pub(super) fn trim(&self, table: &str, through: Position) -> Result<usize> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute(TRIM, (table, through.stored(), TRIM_LIMIT))
    }
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;
    use rusqlite::StatementStatus;

    use super::*;

    /// What the database runs before each write, and for each batch: `next_stream_sequence_number` and
    /// `stream_records_with_event_ids` of its `storage.rs`.
    const NEXT: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                        WHERE table_name = ?1";
    const READ: &str = "SELECT event_name, keys_json, new_image, old_image, sequence_number, created_at, user_identity, \
                        event_id FROM _stream_records \
                        WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3 \
                        ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4";
    const FIRST: i64 = 1_790_000_000_000_000;

    struct Fixture {
        _dir: tempfile::TempDir,
        records: StreamRecords,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("dynamodb.db");
        Database::new(path.to_str().unwrap()).unwrap();
        let records = StreamRecords::open(&path).unwrap();
        Fixture { _dir: dir, records }
    }

    impl Fixture {
        fn connection(&mut self) -> &mut Connection {
            self.records.0.get_mut().unwrap()
        }

        fn insert(&mut self, table: &str, numbers: impl Iterator<Item = i64>) {
            let transaction = self.connection().transaction().unwrap();
            for number in numbers {
                let sql = "INSERT INTO _stream_records (table_name, event_name, keys_json, new_image, sequence_number, \
                           shard_id, created_at) VALUES (?1, 'INSERT', '{}', '{}', ?2, 's', 0)";
                transaction.execute(sql, (table, number.to_string())).unwrap();
            }
            transaction.commit().unwrap();
        }

        fn numbers(&mut self, table: &str) -> Vec<i64> {
            let mut select = self
                .connection()
                .prepare(
                    "SELECT CAST(sequence_number AS INTEGER) FROM _stream_records WHERE table_name = ?1 ORDER BY id",
                )
                .unwrap();
            let rows = select.query_map([table], |row| row.get(0)).unwrap();
            rows.collect::<Result<_>>().unwrap()
        }

        /// How many instructions SQLite runs for a statement: unlike time, the same on every machine.
        fn steps(&mut self, sql: &str, parameters: impl rusqlite::Params) -> i32 {
            let mut statement = self.connection().prepare(sql).unwrap();
            let mut rows = statement.query(parameters).unwrap();
            while rows.next().unwrap().is_some() {}
            drop(rows);
            statement.get_status(StatementStatus::VmStep)
        }

        fn plan(&mut self, sql: &str, parameters: impl rusqlite::Params) -> String {
            let mut statement = self.connection().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let rows = statement.query_map(parameters, |row| row.get::<_, String>(3)).unwrap();
            rows.collect::<Result<Vec<_>>>().unwrap().join("\n")
        }
    }

    fn place(number: i64) -> Position {
        Position::parse(&format!("1{number:020}")).unwrap()
    }

    #[test]
    fn statements_use_the_index() {
        let mut fixture = fixture();
        fixture.insert("t", (0..100).map(|n| FIRST + n));
        let plans = [
            fixture.plan(NEXT, ["t"]),
            fixture.plan(READ, ("t", "s", FIRST + 50, 100)),
            fixture.plan(TRIM, ("t", FIRST + 50, 10)),
        ];
        for plan in plans {
            assert!(plan.contains("INDEX _stream_records_by_number (table_name=?"), "{plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
        fixture
            .connection()
            .execute("DROP INDEX _stream_records_by_number", [])
            .unwrap();
        let plan = fixture.plan(READ, ("t", "s", FIRST + 50, 100));
        assert!(
            plan.contains("SCAN") && plan.contains("TEMP B-TREE"),
            "the database has an index: {plan}"
        );
    }

    #[test]
    fn statements_cost_the_same_however_many_records_there_are() {
        let mut fixture = fixture();
        let mut measure = |total: i64| {
            let kept = fixture.numbers("t").len();
            fixture.insert("t", (i64::try_from(kept).unwrap()..total).map(|n| FIRST + n));
            fixture.insert("other", std::iter::once(FIRST + total));
            [
                fixture.steps(NEXT, ["t"]),
                fixture.steps(READ, ("t", "s", FIRST + total - 10, 100)),
            ]
        };
        let few = measure(100);
        assert_eq!(measure(20_000), few);
    }

    #[test]
    fn trim_removes_the_oldest_records_of_one_table_up_to_the_place() {
        let mut fixture = fixture();
        fixture.insert("t", (0..5).map(|n| FIRST + n));
        fixture.insert("other", (0..5).map(|n| FIRST + n));
        assert_eq!(fixture.records.trim("t", place(FIRST - 1)).unwrap(), 0);
        assert_eq!(fixture.records.trim("t", place(FIRST + 1)).unwrap(), 2);
        assert_eq!(fixture.numbers("t"), [FIRST + 2, FIRST + 3, FIRST + 4]);
        assert_eq!(fixture.records.trim("t", place(FIRST + 99)).unwrap(), 2);
        assert_eq!(
            fixture.numbers("t"),
            [FIRST + 4],
            "the next number is greater than the last"
        );
        assert_eq!(fixture.numbers("other").len(), 5);
    }

    #[test]
    fn trim_is_limited() {
        let mut fixture = fixture();
        let limit = i64::try_from(TRIM_LIMIT).unwrap();
        fixture.insert("t", (0..limit + 8).map(|n| FIRST + n));
        let through = place(FIRST + limit + 6);
        assert_eq!(fixture.records.trim("t", through).unwrap(), TRIM_LIMIT);
        assert_eq!(fixture.records.trim("t", through).unwrap(), 7);
        assert_eq!(fixture.records.trim("t", through).unwrap(), 0);
        assert_eq!(fixture.numbers("t"), [FIRST + limit + 7]);
    }
}
