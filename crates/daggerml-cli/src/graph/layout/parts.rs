//! Connected parts: found, and set beside each other.

use super::{Layout, PART_GAP, Point};

/// One connected part: nodes and edges of the whole, renumbered.
pub struct Part {
    /// The number in the whole of each node of the part.
    pub nodes: Vec<usize>,
    /// Edges between nodes of the part, by their numbers in it.
    pub edges: Vec<(usize, usize)>,
    /// The number in the whole of each edge.
    pub edge_numbers: Vec<usize>,
}

/// Returns the connected parts, in the order of their first nodes.
pub fn split(count: usize, edges: &[(usize, usize)]) -> Vec<Part> {
    let mut leader: Vec<usize> = (0..count).collect();
    for &(a, b) in edges {
        let (a, b) = (find(&mut leader, a), find(&mut leader, b));
        leader[a.max(b)] = a.min(b);
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut part_of = vec![usize::MAX; count];
    let mut number = vec![0; count];
    for node in 0..count {
        let first = find(&mut leader, node);
        if first == node {
            part_of[node] = parts.len();
            parts.push(Part {
                nodes: Vec::new(),
                edges: Vec::new(),
                edge_numbers: Vec::new(),
            });
        }
        part_of[node] = part_of[first];
        let part = &mut parts[part_of[first]];
        number[node] = part.nodes.len();
        part.nodes.push(node);
    }
    for (at, &(a, b)) in edges.iter().enumerate() {
        let part = &mut parts[part_of[a]];
        part.edges.push((number[a], number[b]));
        part.edge_numbers.push(at);
    }
    parts
}

fn find(leader: &mut [usize], mut node: usize) -> usize {
    while leader[node] != node {
        leader[node] = leader[leader[node]];
        node = leader[node];
    }
    node
}

/// Sets the drawn parts in lines, largest first, and numbers everything as in the whole.
pub fn join(nodes: usize, edges: usize, parts: &[Part], drawn: &[Layout]) -> Layout {
    let area: f64 = drawn
        .iter()
        .map(|part| (part.width + PART_GAP) * (part.height + PART_GAP))
        .sum();
    let widest = drawn.iter().map(|part| part.width).fold(0.0, f64::max);
    let line = (area * 1.8).sqrt().max(widest);

    let mut whole = Layout {
        nodes: vec![Point { x: 0.0, y: 0.0 }; nodes],
        edges: vec![Vec::new(); edges],
        ..Layout::default()
    };
    let tallest_first = drawn.iter().map(|part| -part.height).zip(0..).collect();
    let (mut x, mut y, mut tallest) = (0.0_f64, 0.0_f64, 0.0_f64);
    for place in super::order::by_number(tallest_first) {
        let (part, drawing) = (&parts[place], &drawn[place]);
        if x > 0.0 && x + drawing.width > line + 0.01 {
            y += tallest + PART_GAP;
            (x, tallest) = (0.0, 0.0);
        }
        let shift = |point: &Point| Point {
            x: point.x + x,
            y: point.y + y,
        };
        for (&number, point) in part.nodes.iter().zip(&drawing.nodes) {
            whole.nodes[number] = shift(point);
        }
        for (&number, points) in part.edge_numbers.iter().zip(&drawing.edges) {
            whole.edges[number] = points.iter().map(shift).collect();
        }
        whole.width = whole.width.max(x + drawing.width);
        whole.height = whole.height.max(y + drawing.height);
        tallest = tallest.max(drawing.height);
        x += drawing.width + PART_GAP;
    }
    whole
}
