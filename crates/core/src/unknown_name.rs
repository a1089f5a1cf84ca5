//! Names that a client wrote and that do not exist, be it of a field or of a parameter.

/// The name among `known` that the author of `name` most likely meant.
///
/// Jaro-Winkler favors a common beginning, which suits names that are mistyped near their end. A similarity below
/// 0.8 is chance. A name that is part of a known one ("region") is similar to it however it begins.
#[must_use]
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_SIMILARITY: f64 = 0.8;
    const SIMILARITY_OF_A_PART: f64 = 0.9;
    const MIN_PART_BYTES: usize = 4;
    // A name far longer than any known one is not a typo, and its sender would choose how long the comparison takes.
    const MAX_TYPO_BYTES: usize = 64;
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

/// The name as a response repeats it: a longer one is truncated, so that it does not repeat 60 kB of it.
#[must_use]
pub fn shorten_name(name: &str) -> String {
    const MAX_CHARS: usize = 64;
    let mut short: String = name.chars().take(MAX_CHARS).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_is_one_of_the_known_ones() {
        let known = ["limit", "last_key", "filter"];
        for (typo, meant) in [
            ("limits", Some("limit")),
            ("Limit", Some("limit")),
            ("lastKey", Some("last_key")),
            ("enabled", None),
            ("", None),
        ] {
            assert_eq!(nearest_name(typo, known), meant, "{typo}");
        }
        assert_eq!(nearest_name("limit", []), None);
    }

    #[test]
    fn long_name_is_truncated_between_characters() {
        assert_eq!(shorten_name("labels"), "labels");
        assert_eq!(shorten_name(&"é".repeat(64)), "é".repeat(64));
        assert_eq!(shorten_name(&"é".repeat(65)), format!("{}…", "é".repeat(64)));
    }
}
