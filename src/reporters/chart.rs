//! Charts of columns over time: where each column stands, in the picture's own units. Templates draw them as SVG.

/// Width and height of the picture, and where its columns begin and stand.
pub const WIDTH: u64 = 600;
/// Its height.
pub const HEIGHT: u64 = 150;
const LEFT: u64 = 8;
const TOP: u64 = 24;
const BASE: u64 = 124;
/// Columns with a word below them, about, and the width of a word.
const TICKS: usize = 5;
const WORD: u64 = 100;

/// One step of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// When.
    pub at: String,
    /// How much; nothing where nothing is known.
    pub value: Option<u64>,
    /// The same in words.
    pub words: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its left edge.
    pub x: u64,
    /// Its top.
    pub y: u64,
    /// Its width.
    pub width: u64,
    /// Its height.
    pub height: u64,
    /// When, and how much.
    pub words: String,
}

/// A chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub name: String,
    /// The whole time in one figure.
    pub whole: String,
    /// The most that one step has.
    pub most: String,
    /// Steps of which something is known.
    pub columns: Vec<Column>,
    /// Words below the columns, where they stand, and how they are set there.
    pub ticks: Vec<(u64, &'static str, String)>,
}

impl Chart {
    /// The chart of these points, as high as the highest, or as `full` where that is given.
    #[must_use]
    pub fn new(name: &str, whole: String, points: &[Point], full: Option<u64>) -> Self {
        let known = points.iter().filter(|point| point.value.is_some());
        let highest = known.max_by_key(|point| point.value);
        let most = highest.map_or_else(|| "nothing yet".to_owned(), |point| point.words.clone());
        let top = full.or_else(|| highest.and_then(|point| point.value));
        let top = top.unwrap_or(0).max(1);
        let count = points.len().max(1) as u64;
        let left = |at: usize| LEFT + (WIDTH - 2 * LEFT) * at as u64 / count;
        let column = |(at, point): (usize, &Point)| {
            let value = point.value?.min(top);
            let tall = u128::from(BASE - TOP) * u128::from(value) / u128::from(top);
            // What is there, and little, is seen.
            let tall = u64::try_from(tall).unwrap_or(0).max(1);
            Some(Column {
                x: left(at),
                y: BASE - tall,
                width: (left(at + 1) - left(at)).saturating_sub(2).max(1),
                height: tall,
                words: format!("{}: {}", point.at, point.words),
            })
        };
        Self {
            name: name.to_owned(),
            whole,
            most,
            columns: points.iter().enumerate().filter_map(column).collect(),
            ticks: ticks(points, left),
        }
    }
}

fn ticks(points: &[Point], left: impl Fn(usize) -> u64) -> Vec<(u64, &'static str, String)> {
    let every = points.len().div_ceil(TICKS).max(1);
    let some = points.iter().enumerate().step_by(every);
    some.map(|(at, point)| {
        // A word that begins near the edge would not end within.
        let (x, anchor) = if left(at) > WIDTH - WORD {
            (left(at + 1), "end")
        } else {
            (left(at), "start")
        };
        (x, anchor, point.at.clone())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[Option<u64>]) -> Vec<Point> {
        let point = |(at, value): (usize, &Option<u64>)| Point {
            at: format!("day {at}"),
            value: *value,
            words: format!("{value:?}"),
        };
        values.iter().enumerate().map(point).collect()
    }

    #[test]
    fn columns_stay_within_and_are_as_high_as_they_mean() {
        let points = points(&[Some(0), Some(50), None, Some(100), Some(u64::MAX)]);
        for full in [None, Some(100)] {
            let chart = Chart::new("x", String::new(), &points, full);
            assert_eq!(chart.columns.len(), 4, "what is not known has none");
            for column in &chart.columns {
                assert!(column.x >= LEFT && column.x + column.width <= WIDTH - LEFT);
                assert!(column.y >= TOP && column.y + column.height == BASE);
            }
        }
        let chart = Chart::new("x", String::new(), &points[..4], Some(100));
        let ends = chart.ticks.iter().map(|(x, anchor, _)| match *anchor {
            "end" => *x,
            _ => x + WORD,
        });
        assert!(ends.max().unwrap() <= WIDTH, "{:?}", chart.ticks);
        let heights: Vec<u64> = chart.columns.iter().map(|it| it.height).collect();
        assert_eq!(heights, [1, 50, 100]);
    }

    #[test]
    fn of_nothing_there_is_an_empty_chart() {
        let chart = Chart::new("x", String::new(), &[], None);
        assert!(chart.columns.is_empty() && chart.ticks.is_empty());
        assert_eq!(chart.most, "nothing yet");
    }
}
