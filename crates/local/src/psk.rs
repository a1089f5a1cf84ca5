//! The pre-shared key of a local server: given, or made once and kept.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tenant_core::signature::{KeyError, SigningKey};
use zeroize::Zeroizing;

use crate::data_dir::DataDir;

/// The file in the data directory that holds a key which was made.
const FILE: &str = "psk";
/// As many as HMAC-SHA256 has use for.
const KEY_BYTES: usize = 256 / 8;

/// Why there is no key. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PskError {
    /// A key that was given is none.
    #[error("the key given with {origin} is no key: {source}; give one of 16 bytes or more")]
    Given {
        /// Where it was given.
        origin: Origin,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A key that was kept is none.
    #[error("the key in {path} is no key: {source}; remove the file, and a new key is made")]
    Kept {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The file can be neither read nor made.
    #[error("the key's file {path} cannot be used ({source}); give a key with --psk, or choose another --data-dir")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What was given as a key, before it is known to be one. It is overwritten when dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenKey(Zeroizing<Vec<u8>>);

impl GivenKey {
    /// Whether nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for GivenKey {
    fn from(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<String> for GivenKey {
    fn from(value: String) -> Self {
        value.into_bytes().into()
    }
}

impl fmt::Debug for GivenKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GivenKey([redacted])")
    }
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--psk`.
    Flag,
    /// `PSK` in the environment.
    Environment,
    /// A file in the data directory.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("--psk"),
            Self::Environment => formatter.write_str("PSK"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// A key, and where it came from.
#[derive(Debug)]
pub struct Psk {
    /// What verifies signatures.
    pub key: SigningKey,
    /// Where it came from.
    pub origin: Origin,
}

impl Psk {
    /// The key that was given.
    pub fn given(value: &GivenKey, origin: Origin) -> Result<Self, PskError> {
        match SigningKey::new(&value.0) {
            Ok(key) => Ok(Self { key, origin }),
            Err(source) => Err(PskError::Given { origin, source }),
        }
    }

    /// The key that is kept in the data directory; at the first start there is none, and one is made.
    pub fn kept(dir: &DataDir) -> Result<Self, PskError> {
        let path = dir.file(FILE);
        let value = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(&path).and_then(|()| fs::read(&path)),
            read => read,
        };
        let value = value.map_err(|source| PskError::File {
            path: path.clone(),
            source,
        })?;
        match SigningKey::new(&value) {
            Ok(key) => Ok(Self {
                key,
                origin: Origin::File(path),
            }),
            Err(source) => Err(PskError::Kept { path, source }),
        }
    }
}

/// Writes a new key where only its owner reads it. The file appears whole, or not at all, and if two servers make one at
/// a time both end up with the same.
fn make(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)?;
    let draft = path.with_extension(std::process::id().to_string());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    let written = writeln!(file, "{}", BASE64_STANDARD.encode(key)).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    fs::remove_file(&draft)?;
    linked
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn dir() -> (tempfile::TempDir, DataDir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        (parent, dir)
    }

    #[test]
    fn key_is_made_once_of_256_random_bits_for_its_owner_only() {
        let (_parent, dir) = dir();
        let psk = Psk::kept(&dir).unwrap();
        let path = dir.file(FILE);
        assert_eq!(psk.origin, Origin::File(path.clone()));
        let value = fs::read_to_string(&path).unwrap();
        assert_eq!(BASE64_STANDARD.decode(value.trim_end()).unwrap().len(), 32);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "the key and .gitignore, no draft"
        );

        Psk::kept(&dir).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), value);
    }

    #[test]
    fn two_directories_have_two_keys() {
        let (one, other) = (dir(), dir());
        Psk::kept(&one.1).unwrap();
        Psk::kept(&other.1).unwrap();
        assert_ne!(
            fs::read(one.1.file(FILE)).unwrap(),
            fs::read(other.1.file(FILE)).unwrap()
        );
    }

    #[test]
    fn key_that_is_none_is_told_by_where_it_is() {
        let error = Psk::given(&b"short".to_vec().into(), Origin::Flag)
            .unwrap_err()
            .to_string();
        assert!(error.contains("--psk") && !error.contains("short;"), "{error}");
        let (_parent, dir) = dir();
        fs::write(dir.file(FILE), "").unwrap();
        let error = Psk::kept(&dir).unwrap_err().to_string();
        assert!(error.contains(dir.file(FILE).to_str().unwrap()), "{error}");
    }
}
