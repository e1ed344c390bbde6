//! Where the nodes of a drawing go.

use daggerml::Error;
use daggerml_cli::{Point, Size};
use pyo3::prelude::*;

use crate::errors::OrRaise;

type Pair = (f64, f64);

/// Lays out nodes of these sizes in rows, in pixels.
///
/// An edge goes from the number of a node to that of a later one, which is below it.
/// Returns the size of the whole, the upper left corner of each node, and the points
/// that each edge goes through.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 hands over lists")]
pub(crate) fn layout(
    py: Python<'_>,
    sizes: Vec<Pair>,
    edges: Vec<(usize, usize)>,
) -> PyResult<(Pair, Vec<Pair>, Vec<Vec<Pair>>)> {
    check(&sizes, &edges).or_raise(py)?;
    let laid = py.detach(|| {
        let sizes: Vec<Size> = sizes
            .iter()
            .map(|&(width, height)| Size { width, height })
            .collect();
        daggerml_cli::layout(&sizes, &edges)
    });
    let pair = |point: &Point| (point.x, point.y);
    let nodes = laid.nodes.iter().map(pair).collect();
    let edges = laid.edges.iter();
    let edges = edges.map(|points| points.iter().map(pair).collect());
    Ok(((laid.width, laid.height), nodes, edges.collect()))
}

fn check(sizes: &[Pair], edges: &[(usize, usize)]) -> Result<(), Box<Error>> {
    let invalid = |message: String| Err(Error::Invalid { message }.into());
    for (at, (width, height)) in sizes.iter().enumerate() {
        let fits = |side: &f64| side.is_finite() && *side > 0.0;
        if !fits(width) || !fits(height) {
            return invalid(format!(
                "node {at} has the size {width} x {height}; give two positive numbers"
            ));
        }
    }
    // So there is no cycle, which the layout relies on.
    match edges.iter().find(|(a, b)| a >= b || *b >= sizes.len()) {
        None => Ok(()),
        Some((a, b)) => invalid(format!(
            "the edge from {a} to {b} does not lead to a later one of {} nodes",
            sizes.len()
        )),
    }
}
