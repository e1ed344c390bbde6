//! The order within rows: few crossings.

use std::collections::HashMap;

use daggerml::sorting::sort_by;

/// How often the order is improved, down and up.
const SWEEPS: usize = 24;

/// Something in a row: a node, or a bend of an edge that passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Node(usize),
    Bend,
}

/// Long edges to one node share their bends, or those from one node, whichever
/// has more edges: a bundle is easier to follow than many lines side by side.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shared {
    From(usize),
    To(usize),
}

/// Rows of items, and what each is connected to in the rows beside.
#[derive(Clone, Debug)]
pub struct Grid {
    /// The items; their numbers are what everything else speaks of.
    pub items: Vec<Item>,
    /// The items of each row, from left to right.
    pub rows: Vec<Vec<usize>>,
    /// The items that each is connected to in the row above, and in the row below.
    pub above: Vec<Vec<usize>>,
    pub below: Vec<Vec<usize>>,
    /// The items that each edge goes through, from top to bottom.
    pub paths: Vec<Vec<usize>>,
}

impl Grid {
    /// Makes the grid of these rows of nodes, with a bend where an edge crosses a row.
    pub fn new(rows: &[Vec<usize>], edges: &[(usize, usize)]) -> Self {
        let count: usize = rows.iter().map(Vec::len).sum();
        let mut grid = Self {
            items: (0..count).map(Item::Node).collect(),
            rows: rows.to_vec(),
            above: vec![Vec::new(); count],
            below: vec![Vec::new(); count],
            paths: Vec::new(),
        };
        let mut row_of = vec![0; count];
        for (at, row) in rows.iter().enumerate() {
            row.iter().for_each(|&node| row_of[node] = at);
        }
        let mut ends = vec![(0, 0); count];
        for &(from, to) in edges {
            ends[from].0 += 1;
            ends[to].1 += 1;
        }
        let mut bends = HashMap::new();
        for &(from, to) in edges {
            let shared = if ends[to].1 >= ends[from].0 {
                Shared::To(to)
            } else {
                Shared::From(from)
            };
            let mut path = vec![from];
            for row in row_of[from] + 1..row_of[to] {
                let bend = *bends
                    .entry((shared, row))
                    .or_insert_with(|| grid.add_bend(row));
                path.push(bend);
            }
            path.push(to);
            for pair in path.windows(2) {
                if !grid.below[pair[0]].contains(&pair[1]) {
                    grid.below[pair[0]].push(pair[1]);
                    grid.above[pair[1]].push(pair[0]);
                }
            }
            grid.paths.push(path);
        }
        grid
    }

    fn add_bend(&mut self, row: usize) -> usize {
        let bend = self.items.len();
        self.items.push(Item::Bend);
        self.above.push(Vec::new());
        self.below.push(Vec::new());
        self.rows[row].push(bend);
        bend
    }

    fn positions(&self) -> Vec<usize> {
        let mut positions = vec![0; self.items.len()];
        for row in &self.rows {
            for (at, &item) in row.iter().enumerate() {
                positions[item] = at;
            }
        }
        positions
    }

    /// Returns the number of crossings between all rows.
    pub fn crossings(&self) -> usize {
        let positions = self.positions();
        self.rows
            .iter()
            .map(|row| {
                let ends: Vec<usize> = row
                    .iter()
                    .flat_map(|&item| {
                        let mut ends: Vec<_> = self.below[item]
                            .iter()
                            .map(|&other| positions[other])
                            .collect();
                        ends.sort_unstable();
                        ends
                    })
                    .collect();
                inversions(ends)
            })
            .sum()
    }
}

/// Reorders the rows so that edges cross little; the best order found is kept.
pub fn reduce_crossings(grid: &mut Grid) {
    let mut best = grid.rows.clone();
    let mut fewest = grid.crossings();
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let count = grid.rows.len();
        for step in 1..count {
            let row = if down { step } else { count - 1 - step };
            // Ties are turned around now and then, or some would never move.
            sort_row(grid, row, down, sweep % 4 >= 2);
        }
        let crossings = grid.crossings();
        // As good counts as better: a sorted row has its bends in the middle.
        if crossings < fewest || (crossings == fewest && sweep < 2) {
            fewest = crossings;
            best.clone_from(&grid.rows);
        }
    }
    grid.rows = best;
}

/// Sorts one row by the mean place of what each item is connected to.
fn sort_row(grid: &mut Grid, row: usize, down: bool, turn_ties: bool) {
    let positions = grid.positions();
    let mean = |item: usize| {
        let beside = if down {
            &grid.above[item]
        } else {
            &grid.below[item]
        };
        let sum: usize = beside.iter().map(|&other| positions[other]).sum();
        // Unconnected items keep their place.
        if beside.is_empty() {
            float(positions[item])
        } else {
            float(sum) / float(beside.len())
        }
    };
    let mut keyed: Vec<(f64, usize)> = grid.rows[row]
        .iter()
        .map(|&item| (mean(item), item))
        .collect();
    if turn_ties {
        keyed.reverse();
    }
    grid.rows[row] = by_number(keyed);
}

/// Returns the items in the order of their numbers; equal ones stay in their order.
pub(super) fn by_number(mut keyed: Vec<(f64, usize)>) -> Vec<usize> {
    sort_by(&mut keyed, |(a, _), (b, _)| a.total_cmp(b));
    keyed.into_iter().map(|(_, item)| item).collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rows have far fewer than 2^52 items"
)]
fn float(number: usize) -> f64 {
    number as f64
}

/// Returns the number of pairs that are out of order, by merge sort.
fn inversions(numbers: Vec<usize>) -> usize {
    fn sort(numbers: Vec<usize>) -> (Vec<usize>, usize) {
        if numbers.len() < 2 {
            return (numbers, 0);
        }
        let mut left = numbers;
        let right = left.split_off(left.len() / 2);
        let ((left, a), (right, b)) = (sort(left), sort(right));
        let mut count = a + b;
        let mut merged = Vec::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
            if l <= r {
                merged.extend(left.next());
            } else {
                count += left.len();
                merged.extend(right.next());
            }
        }
        merged.extend(left);
        merged.extend(right);
        (merged, count)
    }
    sort(numbers).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inversions_are_counted() {
        assert_eq!(inversions(vec![0, 1, 2, 3]), 0);
        assert_eq!(inversions(vec![3, 2, 1, 0]), 6);
        assert_eq!(inversions(vec![1, 1, 0]), 2);
    }

    #[test]
    fn two_crossed_edges_are_uncrossed() {
        let mut grid = Grid::new(&[vec![0, 1], vec![2, 3]], &[(0, 3), (1, 2)]);
        assert_eq!(grid.crossings(), 1);
        reduce_crossings(&mut grid);
        assert_eq!(grid.crossings(), 0);
    }
}
