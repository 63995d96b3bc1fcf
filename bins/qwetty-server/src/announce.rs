//! The two kinds of lines that this program writes to standard output. Everything else goes to the log.

use std::io::{self, Write};

/// Writes one line to standard output and makes sure that it has left.
///
/// # Errors
///
/// The line could not be written, as when nobody reads standard output any more. A root key that could not be
/// printed must not count as printed.
pub(crate) fn announce(line: &str) -> io::Result<()> {
    write_line(&mut io::stdout().lock(), line)
}

fn write_line(output: &mut impl Write, line: &str) -> io::Result<()> {
    output.write_all(format!("{line}\n").as_bytes())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_line_ends_in_a_line_break() {
        let mut output = Vec::new();
        write_line(&mut output, "listening on http://127.0.0.1:8080").unwrap();
        assert_eq!(output, b"listening on http://127.0.0.1:8080\n");
    }

    #[test]
    fn a_line_that_did_not_leave_is_an_error() {
        assert!(write_line(&mut Full, "root key: ...").is_err());
    }
}
