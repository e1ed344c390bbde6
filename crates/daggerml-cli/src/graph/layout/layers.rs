//! Rows: every node below all that it is made from, and no row too wide.

/// Returns the rows from the top, each a list of nodes.
///
/// From the bottom up, a node goes into the lowest row above everything that is
/// made from it that still has room (Coffman and Graham), so that inputs stand
/// near their use. Then what nothing is made from rises to just below its inputs.
pub fn assign(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut above = vec![Vec::new(); count];
    let mut below = vec![Vec::new(); count];
    for &(a, b) in edges {
        below[a].push(b);
        above[b].push(a);
    }
    let most = widest(count);

    let mut level = vec![0; count];
    let mut filled: Vec<usize> = Vec::new();
    for node in users_first(&above, &below) {
        let mut wanted = below[node]
            .iter()
            .map(|&user| level[user] + 1)
            .max()
            .unwrap_or(0);
        while filled.get(wanted).is_some_and(|&nodes| nodes >= most) {
            wanted += 1;
        }
        if filled.len() <= wanted {
            filled.resize(wanted + 1, 0);
        }
        filled[wanted] += 1;
        level[node] = wanted;
    }

    for node in 0..count {
        let highest = above[node].iter().map(|&input| level[input]).min();
        if let (true, Some(highest)) = (below[node].is_empty(), highest)
            && highest > level[node] + 1
            && filled[highest - 1] < most
        {
            filled[level[node]] -= 1;
            filled[highest - 1] += 1;
            level[node] = highest - 1;
        }
    }

    let mut rows = vec![Vec::new(); filled.len()];
    let top = filled.len().saturating_sub(1);
    for node in 0..count {
        rows[top - level[node]].push(node);
    }
    rows.retain(|row: &Vec<usize>| !row.is_empty());
    rows
}

/// Returns the most nodes in a row: enough for a drawing about as wide as it is high.
fn widest(count: usize) -> usize {
    (count.isqrt() + 1).max(8)
}

/// Returns the nodes in an order in which everything made from a node comes before it;
/// later nodes first, where there is a choice.
fn users_first(above: &[Vec<usize>], below: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = below.iter().map(Vec::len).collect();
    let mut ready: std::collections::BinaryHeap<usize> = (0..below.len())
        .filter(|&node| waiting[node] == 0)
        .collect();
    let mut order = Vec::with_capacity(below.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for &input in &above[node] {
            waiting[input] -= 1;
            if waiting[input] == 0 {
                ready.push(input);
            }
        }
    }
    order
}
