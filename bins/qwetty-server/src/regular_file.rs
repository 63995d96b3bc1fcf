//! Files that the program is told to read.

use std::fs::Metadata;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

/// The whole of a regular file. To open another, such as a FIFO that nobody writes to, may take for ever.
pub(crate) fn read(path: &Path) -> Result<(Vec<u8>, Metadata)> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok((std::fs::read(path)?, metadata))
}

/// The whole of a regular file of text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let (bytes, _) = read(path)?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}
