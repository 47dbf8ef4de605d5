//! Activities: what points are given for, with a fixed number of them for a quantity ("delivered 200 =
//! 2"). A table may have some; nobody has to use them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::points::MAX_AWARD;
use super::table::Registers;

/// The most activities that a table has: as many as one menu shows.
pub const MAX_ACTIVITIES: usize = 25;

/// The largest quantity.
pub const MAX_QUANTITY: i64 = 1_000_000_000;

/// What points are given for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// By which the history knows it.
    pub number: i32,
    /// What people call it.
    pub name: String,
    /// For how much of it there are points; at least 1.
    pub quantity: i64,
    /// How many, 1 to [`MAX_AWARD`].
    pub points: i64,
}

impl Activity {
    /// The points for so much of it: for each whole quantity. Nothing where it is less than one, or
    /// comes to more than can be given at once.
    #[must_use]
    pub fn points_for(&self, quantity: i64) -> Option<i64> {
        let times = quantity.checked_div(self.quantity)?;
        let points = times.checked_mul(self.points)?;
        (1..=MAX_AWARD).contains(&points).then_some(points)
    }

    pub(super) fn registers(&self) -> Registers {
        vec![
            ("name", self.name.clone().into()),
            ("quantity", self.quantity.into()),
            ("points", self.points.into()),
        ]
    }

    pub(super) fn write(&mut self, field: &str, value: &Value) {
        match field {
            "name" => value
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut self.name),
            "quantity" => self.quantity = value.as_i64().unwrap_or(1),
            "points" => self.points = value.as_i64().unwrap_or(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_whole_quantity_counts() {
        let delivered = Activity {
            number: 1,
            name: "Livrat".to_owned(),
            quantity: 200,
            points: 2,
        };
        let cases = [
            (i64::MIN, None),
            (-200, None),
            (0, None),
            (199, None),
            (200, Some(2)),
            (399, Some(2)),
            (600, Some(6)),
            (MAX_QUANTITY, Some(10_000_000)),
            (i64::MAX, None),
        ];
        for (quantity, points) in cases {
            assert_eq!(delivered.points_for(quantity), points, "{quantity}");
        }
    }
}
