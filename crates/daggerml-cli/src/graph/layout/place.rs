//! Coordinates: items as near to what they are connected to as their order allows.

use super::order::{Grid, Item};
use super::{Layout, Point, ROW_GAP, Size};

/// How often positions are improved, down and up.
const SWEEPS: usize = 24;

/// The room that an edge passing through a row takes.
const BEND: f64 = 2.0;

/// The gap between two nodes, and between an edge and what is beside it.
const GAP: f64 = 24.0;
const BEND_GAP: f64 = 12.0;

/// How much more a bend pulls on a bend than a node on a node: long edges are straight.
const BEND_PULL: f64 = 6.0;

/// How much what has no inputs pulls: little, so that the steps of a long
/// computation stand below each other and their inputs beside them.
const INPUT_PULL: f64 = 0.05;

/// Places the items of `grid`.
pub fn place(grid: &Grid, sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let widths: Vec<f64> = grid
        .items
        .iter()
        .map(|item| match item {
            Item::Node(node) => sizes[*node].width,
            Item::Bend => BEND,
        })
        .collect();
    let centers = centers(grid, &widths);
    let left = grid
        .rows
        .iter()
        .flatten()
        .map(|&item| centers[item] - widths[item] / 2.0)
        .fold(f64::INFINITY, f64::min);

    let mut layout = Layout {
        nodes: vec![Point { x: 0.0, y: 0.0 }; sizes.len()],
        ..Layout::default()
    };
    let mut tops = Vec::new();
    let mut bottoms = Vec::new();
    let mut y = 0.0;
    for row in &grid.rows {
        let height = row
            .iter()
            .filter_map(|&item| match grid.items[item] {
                Item::Node(node) => Some(sizes[node].height),
                Item::Bend => None,
            })
            .fold(0.0, f64::max);
        for &item in row {
            if let Item::Node(node) = grid.items[item] {
                layout.nodes[node] = Point {
                    x: centers[item] - widths[item] / 2.0 - left,
                    y,
                };
            }
            layout.width = layout.width.max(centers[item] + widths[item] / 2.0 - left);
        }
        tops.push(y);
        bottoms.push(y + height);
        layout.height = y + height;
        y += height + ROW_GAP;
    }
    let mut row_of = vec![0; grid.items.len()];
    for (at, row) in grid.rows.iter().enumerate() {
        row.iter().for_each(|&item| row_of[item] = at);
    }
    let ports = Ports::new(grid, &centers, &widths);
    layout.edges = edges
        .iter()
        .zip(&grid.paths)
        .enumerate()
        .map(|(edge, (&(from, to), path))| {
            let mut points = vec![Point {
                x: ports.leave[edge] - left,
                y: layout.nodes[from].y + sizes[from].height,
            }];
            for &bend in path.iter().take(path.len() - 1).skip(1) {
                let x = centers[bend] - left;
                let row = row_of[bend];
                points.push(Point { x, y: tops[row] });
                points.push(Point { x, y: bottoms[row] });
            }
            points.push(Point {
                x: ports.enter[edge] - left,
                y: layout.nodes[to].y,
            });
            points
        })
        .collect();
    layout
}

/// Returns the middle of each item: sweeps in which every row is put as near as its
/// order allows to the rows beside it.
fn centers(grid: &Grid, widths: &[f64]) -> Vec<f64> {
    let mut centers = vec![0.0; grid.items.len()];
    let inputs = inputs(grid);
    for row in &grid.rows {
        let wanted = vec![(0.0, 1.0); row.len()];
        settle(row, &wanted, widths, &mut centers);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let count = grid.rows.len();
        for step in 0..count {
            let row = &grid.rows[if down { step } else { count - 1 - step }];
            let wanted: Vec<(f64, f64)> = row
                .iter()
                .map(|&item| wanted(grid, item, &centers, &inputs, down, sweep + 2 >= SWEEPS))
                .collect();
            settle(row, &wanted, widths, &mut centers);
        }
    }
    centers
}

/// Returns which items have no inputs, or are bends of edges from such.
fn inputs(grid: &Grid) -> Vec<bool> {
    let mut inputs = vec![false; grid.items.len()];
    for &item in grid.rows.iter().flatten() {
        inputs[item] = match grid.items[item] {
            Item::Node(_) => grid.above[item].is_empty(),
            Item::Bend => grid.above[item].iter().all(|&above| inputs[above]),
        };
    }
    inputs
}

/// Returns where `item` wants its middle, and how much.
fn wanted(
    grid: &Grid,
    item: usize,
    centers: &[f64],
    inputs: &[bool],
    down: bool,
    both: bool,
) -> (f64, f64) {
    let mut sides: Vec<&Vec<usize>> = Vec::new();
    if both || down {
        sides.push(&grid.above[item]);
    }
    if both || !down {
        sides.push(&grid.below[item]);
    }
    let (mut sum, mut weight) = (0.0, 0.0);
    for &other in sides.into_iter().flatten() {
        let pull = match (grid.items[item], grid.items[other]) {
            (Item::Bend, Item::Bend) => BEND_PULL,
            _ if inputs[item] || inputs[other] => INPUT_PULL,
            _ => 1.0,
        };
        sum += pull * centers[other];
        weight += pull;
    }
    if weight > 0.0 {
        (sum / weight, weight)
    } else {
        (centers[item], INPUT_PULL)
    }
}

/// Puts a row's items as near as possible (least squares) to where they want to
/// be, in their order and apart: isotonic regression by pooling neighbours.
fn settle(row: &[usize], wanted: &[(f64, f64)], widths: &[f64], centers: &mut [f64]) {
    // With the room that the items before need taken off, "apart" becomes "not decreasing".
    let mut offsets = Vec::with_capacity(row.len());
    let mut offset = 0.0;
    for (at, &item) in row.iter().enumerate() {
        if at > 0 {
            offset += apart(widths[row[at - 1]], widths[item]);
        }
        offsets.push(offset);
    }
    // Pools of neighbours that stand together: mean, weight, number.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (&(place, weight), offset) in wanted.iter().zip(&offsets) {
        let mut pool = (place - offset, weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 > pool.0) {
            let weight = before.1 + pool.1;
            let mean = (before.0 * before.1 + pool.0 * pool.1) / weight;
            pool = (mean, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let means = pools
        .iter()
        .flat_map(|&(mean, _, number)| std::iter::repeat_n(mean, number));
    for ((&item, mean), offset) in row.iter().zip(means).zip(&offsets) {
        centers[item] = mean + offset;
    }
}

/// Returns how far apart the middles of neighbours of these widths are.
fn apart(left: f64, right: f64) -> f64 {
    let gap = if left > BEND && right > BEND {
        GAP
    } else {
        BEND_GAP
    };
    left / 2.0 + gap + right / 2.0
}

/// Where edges leave and enter nodes: side by side, in the order of where they
/// go; edges that share a bend share a port.
struct Ports {
    leave: Vec<f64>,
    enter: Vec<f64>,
}

impl Ports {
    fn new(grid: &Grid, centers: &[f64], widths: &[f64]) -> Self {
        let at = |item: usize, beside: &[usize], other: Option<&usize>| {
            let centered = beside.iter().map(|&item| (centers[item], item));
            let beside = super::order::by_number(centered.collect());
            let gaps = u32::try_from(beside.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let step = (widths[item] * 0.6 / f64::from(gaps.max(1))).min(14.0);
            let first = centers[item] - step * f64::from(gaps) / 2.0;
            let place = (0_u32..)
                .zip(&beside)
                .find(|(_, item)| Some(*item) == other);
            first + step * f64::from(place.map_or(0, |(place, _)| place))
        };
        let ends = |path: &Vec<usize>| {
            let (first, last) = (path[0], path[path.len() - 1]);
            let leave = at(first, &grid.below[first], path.get(1));
            let enter = at(
                last,
                &grid.above[last],
                path.get(path.len().wrapping_sub(2)),
            );
            (leave, enter)
        };
        let (leave, enter) = grid.paths.iter().map(ends).unzip();
        Self { leave, enter }
    }
}
