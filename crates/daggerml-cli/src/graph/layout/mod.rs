//! A layered layout: what a node is made from stands above it.
//!
//! Each connected part is laid out by itself in the classic steps (Sugiyama,
//! Tagawa, Toda 1981), one file each, and the parts are set beside each other:
//!
//! 1. `layers`: which row each node is in, rows of bounded width;
//! 2. `order`: the order within rows, with few crossings;
//! 3. `place`: coordinates, as near to the neighbours as the order allows.

mod layers;
mod order;
mod parts;
mod place;

/// A point of the drawing, in pixels from its upper left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Pixels to the right.
    pub x: f64,
    /// Pixels down.
    pub y: f64,
}

/// A size in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: f64,
    /// Pixels from top to bottom.
    pub height: f64,
}

/// Where everything goes.
#[derive(Debug, Default)]
pub struct Layout {
    /// The width of the whole.
    pub width: f64,
    /// The height of the whole.
    pub height: f64,
    /// The upper left corner of each node.
    pub nodes: Vec<Point>,
    /// The points that each edge goes through, from the lower side of its first
    /// node to the upper side of its second.
    pub edges: Vec<Vec<Point>>,
}

/// The gap between rows, and between parts.
const ROW_GAP: f64 = 44.0;
const PART_GAP: f64 = 36.0;

/// Lays out nodes of these sizes, with edges from `.0` (above) to `.1` (below).
/// There must be no cycle.
pub fn layout(sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let parts = parts::split(sizes.len(), edges);
    let drawn: Vec<Layout> = parts
        .iter()
        .map(|part| {
            let sizes: Vec<Size> = part
                .nodes
                .iter()
                .filter_map(|&at| sizes.get(at).copied())
                .collect();
            draw(&sizes, &part.edges)
        })
        .collect();
    parts::join(sizes.len(), edges.len(), &parts, &drawn)
}

/// Lays out one connected part.
fn draw(sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
    let rows = layers::assign(sizes.len(), edges);
    let mut grid = order::Grid::new(&rows, edges);
    order::reduce_crossings(&mut grid);
    place::place(&grid, sizes, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(count: usize) -> Vec<Size> {
        vec![
            Size {
                width: 100.0,
                height: 40.0
            };
            count
        ]
    }

    /// No two nodes overlap, all are inside, and every edge goes down.
    fn check(sizes: &[Size], edges: &[(usize, usize)]) -> Layout {
        let layout = layout(sizes, edges);
        assert_eq!(layout.nodes.len(), sizes.len());
        assert_eq!(layout.edges.len(), edges.len());
        for (at, (a, a_size)) in layout.nodes.iter().zip(sizes).enumerate() {
            assert!(
                a.x >= 0.0 && a.x + a_size.width <= layout.width + 0.01,
                "{at}: {a:?}"
            );
            assert!(
                a.y >= 0.0 && a.y + a_size.height <= layout.height + 0.01,
                "{at}: {a:?}"
            );
            for (b, b_size) in layout.nodes.iter().zip(sizes).skip(at + 1) {
                let apart = a.x + a_size.width <= b.x + 0.01
                    || b.x + b_size.width <= a.x + 0.01
                    || a.y + a_size.height <= b.y + 0.01
                    || b.y + b_size.height <= a.y + 0.01;
                assert!(apart, "{a:?} and {b:?}");
            }
        }
        for (points, (from, to)) in layout.edges.iter().zip(edges) {
            assert!(points.len() >= 2);
            assert!(
                points.windows(2).all(|pair| pair[0].y <= pair[1].y),
                "{points:?}"
            );
            let (first, last) = (points[0], points[points.len() - 1]);
            assert!((first.y - layout.nodes[*from].y - sizes[*from].height).abs() < 0.01);
            assert!((last.y - layout.nodes[*to].y).abs() < 0.01);
        }
        layout
    }

    #[test]
    fn nothing_and_one() {
        check(&[], &[]);
        let one = check(&sizes(1), &[]);
        assert!((one.width - 100.0).abs() < 0.01 && (one.height - 40.0).abs() < 0.01);
    }

    #[test]
    fn a_chain_is_straight() {
        let layout = check(&sizes(4), &[(0, 1), (1, 2), (2, 3)]);
        assert!(
            layout
                .nodes
                .iter()
                .all(|node| (node.x - layout.nodes[0].x).abs() < 0.01)
        );
    }

    #[test]
    fn a_long_edge_goes_around() {
        check(&sizes(4), &[(0, 1), (1, 2), (2, 3), (0, 3)]);
    }

    #[test]
    fn many_arguments_do_not_make_one_endless_row() {
        let edges: Vec<_> = (0..300).map(|at| (at, 300)).collect();
        let layout = check(&sizes(301), &edges);
        assert!(layout.width < 6000.0, "{}", layout.width);
    }

    #[test]
    fn loose_nodes_make_a_block() {
        let layout = check(&sizes(100), &[]);
        assert!(layout.width < layout.height * 4.0);
        assert!(layout.height < layout.width * 4.0);
    }

    #[test]
    fn anything_without_a_cycle() {
        // A reproducible tangle: edges go from lower to higher numbers.
        let mut state = 1_u64;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(state >> 33).unwrap() % below
        };
        for count in [2, 3, 10, 60, 200] {
            let mut edges: Vec<_> = (0..count * 2)
                .map(|_| (random(count), random(count)))
                .filter(|(a, b)| a != b)
                .map(|(a, b)| (a.min(b), a.max(b)))
                .collect();
            edges.sort_unstable();
            edges.dedup();
            check(&sizes(count), &edges);
        }
    }
}
