//! Pauses between the calls that the SDK does not repeat by itself.

use std::time::Duration;

use crate::error::StoreError;

/// The longest pause before the first retry; it doubles with each one.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(500);

/// The pause before this retry, counted from 1: at random up to its maximum, so that callers which collided do not collide
/// again.
pub(crate) fn pause(retry: u32) -> Result<Duration, StoreError> {
    let longest = FIRST.saturating_mul(1 << retry.saturating_sub(1).min(8)).min(LONGEST);
    let random = getrandom::u32().map_err(|error| StoreError::Unexpected(error.into()))?;
    Ok(longest.mul_f64(f64::from(random) / f64::from(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        for (retry, longest) in [(1, FIRST), (2, 2 * FIRST), (4, 8 * FIRST), (5, LONGEST), (100, LONGEST)] {
            let pauses = (0..100).map(|_| pause(retry).unwrap());
            let max = pauses.max().unwrap();
            assert!(max <= longest && max > longest / 2, "{retry}: {max:?}");
        }
    }
}
