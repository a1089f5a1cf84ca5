//! The known name that the author of an unknown one most likely meant.

/// A similarity below this is chance.
const MIN_SIMILARITY: f64 = 0.8;
/// Of a name that is part of a known one ("region"), however that begins.
const SIMILARITY_OF_A_PART: f64 = 0.9;
const MIN_PART_BYTES: usize = 4;
/// A longer name is not a typo, and its sender would choose how long the comparison takes.
const MAX_TYPO_BYTES: usize = 64;

/// The nearest of these names, which are in lowercase.
///
/// Jaro-Winkler favors a common beginning, which suits names that are mistyped near their end.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_TYPO_BYTES {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let similarity = |known: &str| {
        let is_part = name.len() >= MIN_PART_BYTES && known.contains(&name);
        let similarity = strsim::jaro_winkler(&name, known);
        if is_part {
            similarity.max(SIMILARITY_OF_A_PART)
        } else {
            similarity
        }
    };
    known
        .into_iter()
        .map(|known| (similarity(known), known))
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_is_found_and_chance_is_not() {
        let known = ["atomic", "dry_run", "operations"];
        for (name, found) in [
            ("dryRun", Some("dry_run")),
            ("operation", Some("operations")),
            ("Atomic", Some("atomic")),
            ("", None),
            ("limit", None),
        ] {
            assert_eq!(nearest(name, known), found, "{name}");
        }
        assert_eq!(nearest(&"atomic".repeat(20), known), None);
    }
}
