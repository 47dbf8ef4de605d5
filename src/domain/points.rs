//! Arithmetic of points: whole numbers within fixed bounds, never below a table's floor.

use super::stamp::Stamp;

/// The largest number of points, and the smallest negated. JSON numbers are exact up to 2⁵³.
pub const LIMIT: i64 = 9_000_000_000_000_000;

/// The most that one award gives or takes.
pub const MAX_AWARD: i64 = 1_000_000_000;

/// Between what the points of a table stay.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds<'a> {
    /// They never fall below it.
    pub floor: i64,
    /// The table's last closing. A base dated before it is over with it, and one that comes later
    /// comes too late.
    pub closed: Option<&'a Stamp>,
}

/// The points after a delta. A subtraction stops at the floor, an addition at [`LIMIT`]; points
/// that are beyond a bound already (the floor was raised) are not moved towards it by a delta
/// that points the other way.
#[must_use]
pub fn after_delta(points: i64, delta: i64, floor: i64) -> i64 {
    let sum = points.saturating_add(delta);
    if delta < 0 {
        sum.max(floor.min(points))
    } else {
        sum.min(LIMIT.max(points))
    }
}

/// The points after a base of `value` that takes effect together with deltas dated after it.
#[must_use]
pub fn after_base(value: i64, later: i64, floor: i64) -> i64 {
    value.saturating_add(later).clamp(floor.min(LIMIT), LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_stop_at_the_bounds() {
        let cases = [
            // points, delta, floor, after
            (10, 5, 0, 15),
            (10, -4, 0, 6),
            (10, -40, 0, 0),
            (10, -40, 5, 5),
            (10, -40, -100, -30),
            (3, -1, 5, 3),
            (3, 1, 5, 4),
            (LIMIT, 1, 0, LIMIT),
            (LIMIT - 2, MAX_AWARD, 0, LIMIT),
            (i64::MIN, -1, 0, i64::MIN),
        ];
        for (points, delta, floor, after) in cases {
            assert_eq!(
                after_delta(points, delta, floor),
                after,
                "{points} {delta} {floor}"
            );
        }
    }

    #[test]
    fn a_late_base_keeps_the_deltas_dated_after_it() {
        assert_eq!(after_base(100, 8, 0), 108);
        assert_eq!(after_base(10, -30, 0), 0);
        assert_eq!(after_base(LIMIT, 5, 0), LIMIT);
    }
}
