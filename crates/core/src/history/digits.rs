//! Numbers as texts of a fixed length, whose order is that of the numbers.

/// Base 32 with the digits of RFC 4648, section 7, in lower case: their order as text is their order as numbers.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const BASE: u64 = 32;

/// Appends the number in `width` digits. Higher digits are cut off.
pub(super) fn push(text: &mut String, number: u64, width: usize) {
    let mut rest = number;
    let mut digits = Vec::with_capacity(width);
    for _ in 0..width {
        let digit = usize::try_from(rest % BASE).unwrap_or_default();
        digits.push(char::from(DIGITS[digit]));
        rest /= BASE;
    }
    text.extend(digits.into_iter().rev());
}

/// Reads what [`push`] appends.
pub(super) fn parse(text: &str) -> Option<u64> {
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        let shifted = number.checked_mul(BASE)?;
        shifted.checked_add(u64::try_from(digit).ok()?)
    })
}

/// Whether the text has nothing but such digits.
pub(super) fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| DIGITS.contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(number: u64) -> String {
        let mut text = String::new();
        push(&mut text, number, 13);
        text
    }

    proptest! {
        #[test]
        fn order_of_the_texts_is_that_of_the_numbers(one: u64, other: u64) {
            prop_assert_eq!(one.cmp(&other), text_of(one).cmp(&text_of(other)));
            prop_assert_eq!(parse(&text_of(one)), Some(one));
        }
    }

    #[test]
    fn number_that_is_too_large_or_not_in_the_digits_is_rejected() {
        assert_eq!(text_of(u64::MAX), "fvvvvvvvvvvvv");
        for text in ["g000000000000", "w", "A", " 1", "-"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(!are_digits("w") && are_digits("0v"));
    }
}
