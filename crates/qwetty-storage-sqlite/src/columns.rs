use std::fmt::Display;
use std::str::FromStr;

use qwetty_keys::Timestamp;
use qwetty_storage::Revision;
use rusqlite::Row;
use rusqlite::types::FromSql;

use crate::fault::Fault;

/// Reads a row's columns one after another, in the order in which the statement names them. What is not there, or is not
/// what it should be, is damage.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    what: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    /// The columns of a row that holds a `what`.
    pub(crate) fn of(row: &'r Row<'r>, what: &'static str) -> Self {
        Self { row, what, next: 0 }
    }

    pub(crate) fn get<T: FromSql>(&mut self) -> Result<T, Fault> {
        let index = self.next;
        self.next += 1;
        self.row.get(index).map_err(|error| match error {
            // These say which type was found and where, and nothing of the content.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..) => Fault::damaged(self.what, error),
            error => Fault::Sqlite(error),
        })
    }

    /// A number that is not negative.
    pub(crate) fn count(&mut self) -> Result<u64, Fault> {
        let number: i64 = self.get()?;
        u64::try_from(number).map_err(|_| self.damaged("is negative"))
    }

    /// A text that means something.
    pub(crate) fn meaning<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Result<T, Fault> {
        let text: String = self.get()?;
        read(&text).ok_or_else(|| self.damaged("has no meaning"))
    }

    pub(crate) fn parse<T: FromStr>(&mut self) -> Result<T, Fault> {
        self.meaning(|text| text.parse().ok())
    }

    pub(crate) fn parse_optional<T: FromStr>(&mut self) -> Result<Option<T>, Fault> {
        let text: Option<String> = self.get()?;
        text.map(|text| text.parse().map_err(|_| self.damaged("has no meaning"))).transpose()
    }

    pub(crate) fn id(&mut self) -> Result<u128, Fault> {
        self.get().map(u128::from_be_bytes)
    }

    pub(crate) fn id_optional(&mut self) -> Result<Option<u128>, Fault> {
        self.get().map(|bytes: Option<[u8; 16]>| bytes.map(u128::from_be_bytes))
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp, Fault> {
        self.get().map(Timestamp::from_unix_micros)
    }

    pub(crate) fn instant_optional(&mut self) -> Result<Option<Timestamp>, Fault> {
        self.get().map(|micros: Option<i64>| micros.map(Timestamp::from_unix_micros))
    }

    pub(crate) fn revision(&mut self) -> Result<Revision, Fault> {
        self.count().map(Revision::from_u64)
    }

    /// That the column read last breaks a rule.
    pub(crate) fn damaged(&self, rule: impl Display) -> Fault {
        let column = self.next.saturating_sub(1);
        let name = self.row.as_ref().column_name(column).unwrap_or("?");
        Fault::damaged(self.what, format!("{name} {rule}"))
    }
}

/// An id as it is stored.
pub(crate) fn blob(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

/// The row of a `SELECT count(*)`.
pub(crate) fn count(row: &Row<'_>) -> Result<u64, Fault> {
    Columns::of(row, "count").count()
}
