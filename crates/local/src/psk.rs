//! The pre-shared key of a local server: provided, or created once and stored.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tenant_core::signature::{KeyError, KeyWarning, SigningKey};
use zeroize::Zeroizing;

use crate::data_dir::{DataDir, PRIVATE_FILE, can_others_use};

/// The file in the data directory with the created key.
const FILE: &str = "psk";
/// The output size of SHA-256: a longer key does not strengthen HMAC-SHA256.
const KEY_BYTES: usize = 256 / 8;

/// Why there is no key. Each message contains a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PskError {
    /// The provided key is invalid.
    #[error("the key from {origin} is invalid ({source}): use a key of 16 bytes or more")]
    Provided {
        /// Where it came from.
        origin: Origin,
        /// The reason.
        source: KeyError,
    },
    /// The stored key is invalid.
    #[error("the key in {path} is invalid ({source}): remove the file, and the next start creates a new key")]
    Stored {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: KeyError,
    },
    /// The file that was named cannot be read.
    #[error("the key cannot be read from {path} ({source}): --psk-file must name a file with the key")]
    ProvidedFile {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file can be neither read nor created.
    #[error("the key's file {path} cannot be used ({source}): provide a key with --psk, or choose another --data-dir")]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// A provided key, not yet validated. It is overwritten when dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvidedKey(Zeroizing<Vec<u8>>);

impl ProvidedKey {
    /// Random bits that nobody else knows.
    pub(crate) fn random() -> Self {
        let mut key = [0; KEY_BYTES];
        getrandom::fill(&mut key).expect("the operating system's generator works once the process has started");
        BASE64_STANDARD.encode(key).into()
    }

    /// The secret in a file, which is created with random bits if it is missing.
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, PskError> {
        let value = match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).and_then(|()| read(path)),
            read => read,
        };
        value.map_err(|source| PskError::File {
            path: path.to_owned(),
            source,
        })
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for ProvidedKey {
    fn from(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }
}

impl From<String> for ProvidedKey {
    fn from(value: String) -> Self {
        value.into_bytes().into()
    }
}

impl fmt::Debug for ProvidedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProvidedKey([redacted])")
    }
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `--psk`.
    Flag,
    /// `PSK` in the environment.
    Environment,
    /// The file of `--psk-file`.
    ProvidedFile(PathBuf),
    /// A file in the data directory.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => formatter.write_str("--psk"),
            Self::Environment => formatter.write_str("PSK"),
            Self::ProvidedFile(path) | Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// A key and its origin.
#[derive(Debug)]
pub struct Psk {
    /// The key that verifies signatures.
    pub key: SigningKey,
    /// Where it came from.
    pub origin: Origin,
}

impl Psk {
    /// The key from the command line or the environment.
    pub fn from_flag(value: &ProvidedKey, origin: Origin) -> Result<Self, PskError> {
        warn_of_mistake(&value.0, &origin);
        match SigningKey::new(&value.0) {
            Ok(key) => Ok(Self { key, origin }),
            Err(source) => Err(PskError::Provided { origin, source }),
        }
    }

    /// The key in the file of `--psk-file`.
    pub fn from_file(path: PathBuf) -> Result<Self, PskError> {
        let value = read(&path).map_err(|source| PskError::ProvidedFile {
            path: path.clone(),
            source,
        })?;
        Self::from_flag(&value, Origin::ProvidedFile(path))
    }

    /// The key that is stored in the data directory. The first start creates it.
    pub fn load_or_create(dir: &DataDir) -> Result<Self, PskError> {
        let path = dir.file(FILE);
        let value = ProvidedKey::load_or_create(&path)?;
        warn_of_mistake(&value.0, &Origin::File(path.clone()));
        match SigningKey::new(&value.0) {
            Ok(key) => Ok(Self {
                key,
                origin: Origin::File(path),
            }),
            Err(source) => Err(PskError::Stored { path, source }),
        }
    }
}

/// Reads a file with a key, and warns if it is not its owner's alone.
fn read(path: &Path) -> io::Result<ProvidedKey> {
    let mut file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    // A pipe, as `<(command)` makes one, has no permissions of its own.
    if metadata.is_file() && can_others_use(&metadata.permissions()) {
        tracing::warn!(
            path = %path.display(),
            "other users can read the key: change it, and make its file private with chmod 600"
        );
    }
    let mut value = Vec::new();
    file.read_to_end(&mut value)?;
    Ok(value.into())
}

fn warn_of_mistake(value: &[u8], origin: &Origin) {
    if let Some(warning) = KeyWarning::for_value(value) {
        tracing::warn!(%origin, "{warning}");
    }
}

/// Writes a new key to a file that only its owner can read. The file appears complete or not at all, and two servers that
/// start at the same time use the same key.
fn create(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)?;
    let draft = path.with_extension(std::process::id().to_string());
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PRIVATE_FILE)
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

    use testing::{CapturedLog, json_format};

    use super::*;

    fn dir() -> (tempfile::TempDir, DataDir) {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::open(parent.path()).unwrap();
        (parent, dir)
    }

    #[test]
    fn key_is_created_once_with_256_random_bits_for_its_owner_only() {
        let (_parent, dir) = dir();
        let psk = Psk::load_or_create(&dir).unwrap();
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

        Psk::load_or_create(&dir).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), value);
    }

    #[test]
    fn two_directories_have_two_keys() {
        let (one, other) = (dir(), dir());
        Psk::load_or_create(&one.1).unwrap();
        Psk::load_or_create(&other.1).unwrap();
        assert_ne!(
            fs::read(one.1.file(FILE)).unwrap(),
            fs::read(other.1.file(FILE)).unwrap()
        );
    }

    #[test]
    fn key_is_read_from_a_provided_file() {
        let (_parent, dir) = dir();
        let path = dir.file("my-key");
        let missing = Psk::from_file(path.clone()).unwrap_err().to_string();
        assert!(
            missing.contains("my-key") && missing.contains("--psk-file"),
            "{missing}"
        );
        fs::write(&path, "0123456789abcdef\n").unwrap();
        let psk = Psk::from_file(path.clone()).unwrap();
        assert_eq!(psk.origin, Origin::ProvidedFile(path.clone()));
        fs::write(&path, "fifteen-bytes-1\n").unwrap();
        let error = Psk::from_file(path).unwrap_err().to_string();
        assert!(error.contains("my-key") && !error.contains("fifteen"), "{error}");
    }

    #[test]
    fn key_that_others_can_read_is_a_warning() {
        let (_parent, dir) = dir();
        Psk::load_or_create(&dir).unwrap();
        let path = dir.file(FILE);
        for (mode, lines) in [(0o600, 0), (0o400, 0), (0o640, 1), (0o604, 1)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let log = CapturedLog::of_this_thread(json_format);
            Psk::load_or_create(&dir).unwrap();
            let log = log.json_lines();
            assert_eq!(log.len(), lines, "{mode:o}");
            for line in log {
                assert_eq!(line["level"], "WARN");
                assert_eq!(line["path"], path.to_str().unwrap());
            }
        }
    }

    #[test]
    fn invalid_key_is_reported_by_its_origin() {
        let error = Psk::from_flag(&b"fifteen-bytes-1".to_vec().into(), Origin::Flag)
            .unwrap_err()
            .to_string();
        assert!(error.contains("--psk") && !error.contains("fifteen"), "{error}");
        let (_parent, dir) = dir();
        fs::write(dir.file(FILE), "").unwrap();
        let error = Psk::load_or_create(&dir).unwrap_err().to_string();
        assert!(error.contains(dir.file(FILE).to_str().unwrap()), "{error}");
    }
}
