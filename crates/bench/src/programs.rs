//! The programs that are measured, built if they are out of date: the two functions in the profile they are deployed in,
//! and the floors in the profile `benchmark`, which is this program's own.

use std::{
    env, fs,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::error::{BenchError, During};

/// What is deployed; Cargo.toml says how it differs from the other.
const FUNCTION_PROFILE: &str = "lambda";
/// Level 3 and link-time optimization across all crates: a slower floor would flatter the functions.
const FLOOR_PROFILE: &str = "benchmark";

/// What users start; CONTRIBUTING.md says how it differs from the others.
const LOCAL_SERVER_PROFILE: &str = "release";

/// Where the programs are.
#[derive(Debug)]
pub(crate) struct Programs {
    target: PathBuf,
}

/// What a program weighs.
#[derive(Debug, Serialize)]
pub(crate) struct Size {
    pub(crate) program: &'static str,
    pub(crate) binary_bytes: usize,
    /// As the `bootstrap` of a deployment package.
    pub(crate) zip_bytes: usize,
}

impl Programs {
    /// The names of all of them, floors first.
    pub(crate) const NAMES: [&str; 5] = ["echo", "roundtrip", "getitem", "authorizer", "api"];
    /// It is started, but its size is not measured.
    pub(crate) const LOCAL_SERVER: &str = "local";
    const FLOORS: [&str; 3] = ["echo", "roundtrip", "getitem"];

    /// Lets cargo bring the functions up to date, and the floors and the local server if anything is compared with them.
    pub(crate) fn build(with_floors: bool, with_local_server: bool) -> Result<Self, BenchError> {
        let functions = [
            "--profile",
            FUNCTION_PROFILE,
            "--package",
            "authorizer",
            "--package",
            "api",
        ];
        cargo_build("the functions", &functions)?;
        if with_floors {
            let floors = Self::FLOORS.map(|floor| ["--bin", floor]).concat();
            cargo_build(
                "the floors",
                &[&["--profile", FLOOR_PROFILE, "--package", "bench"], &*floors].concat(),
            )?;
        }
        if with_local_server {
            let local_server = ["--profile", LOCAL_SERVER_PROFILE, "--package", Self::LOCAL_SERVER];
            cargo_build("the local server", &local_server)?;
        }
        let own = env::current_exe().during("find this program")?;
        let target = own.parent().and_then(Path::parent).unwrap_or(Path::new("."));
        Ok(Self {
            target: target.to_owned(),
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let profile = match name {
            Self::LOCAL_SERVER => LOCAL_SERVER_PROFILE,
            floor if Self::FLOORS.contains(&floor) => FLOOR_PROFILE,
            _ => FUNCTION_PROFILE,
        };
        self.target.join(profile).join(name)
    }

    pub(crate) fn sizes(&self) -> Result<Vec<Size>, BenchError> {
        Self::NAMES.into_iter().map(|program| self.size(program)).collect()
    }

    fn size(&self, program: &'static str) -> Result<Size, BenchError> {
        let path = self.path(program);
        let binary = fs::read(&path).during(format!("read {}", path.display()))?;
        Ok(Size {
            program,
            binary_bytes: binary.len(),
            zip_bytes: deployment_package(&binary)?.len(),
        })
    }
}

/// Cargo is the one that runs this program, and the workspace the one that it was built from.
fn cargo_build(what: &'static str, arguments: &[&str]) -> Result<(), BenchError> {
    let status = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--locked", "--quiet"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .during("run cargo")?;
    if status.success() {
        Ok(())
    } else {
        Err(BenchError::Build(what))
    }
}

fn deployment_package(binary: &[u8]) -> Result<Vec<u8>, BenchError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .unix_permissions(0o755);
    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    package.start_file("bootstrap", options)?;
    package.write_all(binary).during("compress a program")?;
    Ok(package.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployment_package_is_compressed() {
        let package = deployment_package(&vec![7; 100_000]).unwrap();
        assert!(package.starts_with(b"PK") && package.len() < 1_000, "{}", package.len());
    }
}
