//! The copies of the document in the repository: one for people and tools, one for the function.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::document;

/// Writes both copies.
pub fn write() -> io::Result<()> {
    copies()
        .into_iter()
        .try_for_each(|(path, content)| fs::write(path, content))
}

/// The copies that differ from what [`write()`] would write.
#[must_use]
pub fn stale() -> Vec<PathBuf> {
    copies()
        .into_iter()
        .filter(|(path, content)| fs::read_to_string(path).ok().as_ref() != Some(content))
        .map(|(path, _)| path)
        .collect()
}

fn copies() -> [(PathBuf, String); 2] {
    let document = sorted(document());
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    [
        (crates.join("../docs/openapi.json"), format!("{document:#}\n")),
        (
            crates.join("api/src/resources/description/openapi.min.json"),
            document.to_string(),
        ),
    ]
}

/// With every object's members in alphabetical order: whether `serde_json` keeps another one depends on what else is built.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            members
                .into_iter()
                .map(|(name, member)| (name, sorted(member)))
                .collect()
        }
        Value::Array(entries) => entries.into_iter().map(sorted).collect(),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_up_to_date() {
        assert_eq!(stale(), [] as [PathBuf; 0], "run: cargo run -p openapi -- generate");
    }
}
