use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// Where a database lives, whichever way its path was written: the same file has the same lock.
#[derive(Debug)]
pub(crate) struct Location {
    database: PathBuf,
}

impl Location {
    /// Follows links and makes the path absolute, so that it means the same after a change of directory.
    pub(crate) fn resolve(path: &Path) -> Result<Self, OpenError> {
        let unsuitable = |fault| OpenError::Unsuitable { path: path.to_owned(), fault };
        match fs::canonicalize(path) {
            Ok(database) => Ok(Self { database }),
            Err(error) if error.kind() != ErrorKind::NotFound => Err(OpenError::io("resolve", path)(error)),
            // A new database must not take the place of a link, which may lead to a disk that is not mounted.
            Err(_) if path.is_symlink() => {
                Err(unsuitable("it is a link that leads nowhere; mend or remove the link"))
            }
            Err(_) => {
                let name = path.file_name().ok_or_else(|| unsuitable("it does not end in a file name"))?;
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = directory.unwrap_or_else(|| Path::new("."));
                let directory =
                    fs::canonicalize(directory).map_err(OpenError::io("find the directory", directory))?;
                Ok(Self { database: directory.join(name) })
            }
        }
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    pub(crate) fn directory(&self) -> &Path {
        self.database.parent().unwrap_or_else(|| Path::new("/"))
    }

    /// The database's name with `suffix` after it.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path: OsString = self.database.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Takes the lock that makes this process the file's only one until the lock is dropped.
    ///
    /// The lock is on a file of its own: SQLite's locks on the database are lost as soon as the process closes any
    /// other descriptor of it. The lock file stays when the lock goes, since removing it would race with the next taker.
    pub(crate) fn lock(&self) -> Result<File, OpenError> {
        let path = self.beside(".lock");
        let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(&path)
            .map_err(OpenError::io("open the lock file", &path))?;
        self.take(file, &path)
    }

    /// Takes a second lock, on the database itself, which holds even if somebody removes the lock file or moves the database
    /// away from it. It does not meet SQLite's own, which Linux keeps apart; elsewhere there is none.
    ///
    /// To be called before SQLite opens the database, and to be dropped after SQLite has closed it: see [`Location::lock`].
    pub(crate) fn lock_database(&self) -> Result<Option<File>, OpenError> {
        if cfg!(not(target_os = "linux")) {
            return Ok(None);
        }
        let file = File::open(&self.database).map_err(OpenError::io("open", &self.database))?;
        self.take(file, &self.database).map(Some)
    }

    fn take(&self, file: File, path: &Path) -> Result<File, OpenError> {
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                Err(OpenError::InUse { path: self.database.clone(), lock: path.to_owned() })
            }
            Err(TryLockError::Error(error)) => Err(OpenError::io("lock", path)(error)),
        }
    }

    /// Whether the database is there; an error if what is there is not one file with one name.
    pub(crate) fn exists(&self) -> Result<bool, OpenError> {
        let unsuitable = |fault| Err(OpenError::Unsuitable { path: self.database.clone(), fault });
        match fs::metadata(&self.database) {
            Ok(metadata) if !metadata.is_file() => unsuitable("it is not a file"),
            // Its other name would have another lock and another log, and two writers would destroy it.
            Ok(metadata) if hard_links(&metadata) > 1 => {
                unsuitable("it has a second name (hard link); copy the file instead of linking it")
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(OpenError::io("look at", &self.database)(error)),
        }
    }
}

/// Readable and writable by the owner alone.
#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn hard_links(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn hard_links(_: &fs::Metadata) -> u64 {
    1
}

/// Makes a rename in this directory durable.
#[cfg(unix)]
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_path_leads_to_the_same_lock() {
        let directory = tempfile::tempdir().unwrap();
        let plain = directory.path().join("keys.db");
        let new = Location::resolve(&plain).unwrap();
        fs::write(&plain, "").unwrap();
        fs::create_dir(directory.path().join("sub")).unwrap();
        let detour = Location::resolve(&directory.path().join("sub/../keys.db")).unwrap();
        assert_eq!(new.database(), detour.database());
        #[cfg(unix)]
        {
            let link = directory.path().join("link.db");
            std::os::unix::fs::symlink(&plain, &link).unwrap();
            assert_eq!(Location::resolve(&link).unwrap().database(), new.database());
        }
    }

    #[test]
    fn a_lock_is_held_once() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::resolve(&directory.path().join("keys.db")).unwrap();
        let held = location.lock().unwrap();
        assert!(matches!(location.lock(), Err(OpenError::InUse { .. })));
        drop(held);
        location.lock().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_that_make_a_file_ambiguous_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let dangling = directory.path().join("dangling.db");
        std::os::unix::fs::symlink(directory.path().join("nowhere"), &dangling).unwrap();
        assert!(matches!(Location::resolve(&dangling), Err(OpenError::Unsuitable { .. })));

        let (one, two) = (directory.path().join("one.db"), directory.path().join("two.db"));
        fs::write(&one, "").unwrap();
        fs::hard_link(&one, &two).unwrap();
        assert!(matches!(Location::resolve(&two).unwrap().exists(), Err(OpenError::Unsuitable { .. })));
        assert!(matches!(
            Location::resolve(directory.path()).unwrap().exists(),
            Err(OpenError::Unsuitable { .. })
        ));
    }
}
