//! Where to draw the nodes of a graph: in layers, by the longest way that leads to each.
//!
//! After Sugiyama, Tagawa and Toda 1981: layers first, then the order within each by the mean of what it comes after.

/// A node's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// 0 comes after nobody.
    pub(super) layer: usize,
    /// From the top of its layer.
    pub(super) row: usize,
}

/// Places nodes, each given by those that it comes after. What stands in a ring is put into the first layer.
pub(super) fn layered(after: &[Vec<usize>]) -> Vec<Spot> {
    let layers = layers(after);
    let mut spots: Vec<Spot> = layers
        .iter()
        .map(|layer| Spot {
            layer: *layer,
            row: 0,
        })
        .collect();
    for layer in 0..=layers.iter().copied().max().unwrap_or(0) {
        let mut members: Vec<usize> = (0..after.len())
            .filter(|node| layers[*node] == layer)
            .collect();
        members.sort_by_key(|node| (mean(&after[*node], &spots), *node));
        for (row, node) in members.into_iter().enumerate() {
            spots[node].row = row;
        }
    }
    spots
}

/// The mean row of these, in thousandths.
fn mean(nodes: &[usize], spots: &[Spot]) -> usize {
    let rows: usize = nodes.iter().map(|node| spots[*node].row * 1_000).sum();
    rows.checked_div(nodes.len()).unwrap_or(0)
}

/// The longest way to each (Kahn 1962).
fn layers(after: &[Vec<usize>]) -> Vec<usize> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); after.len()];
    for (node, needs) in after.iter().enumerate() {
        for need in needs {
            before[*need].push(node);
        }
    }
    let mut left: Vec<usize> = after.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..after.len()).filter(|node| left[*node] == 0).collect();
    let mut layers = vec![0; after.len()];
    while let Some(node) = ready.pop() {
        for next in &before[node] {
            layers[*next] = layers[*next].max(layers[node] + 1);
            left[*next] -= 1;
            if left[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    for (node, left) in left.iter().enumerate() {
        if *left > 0 {
            layers[node] = 0;
        }
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spots(after: &[&[usize]]) -> Vec<(usize, usize)> {
        let after: Vec<Vec<usize>> = after.iter().map(|it| it.to_vec()).collect();
        let spots = layered(&after);
        spots.iter().map(|spot| (spot.layer, spot.row)).collect()
    }

    #[test]
    fn the_longest_way_gives_the_layer_and_what_it_comes_after_the_row() {
        assert_eq!(spots(&[]), []);
        assert_eq!(spots(&[&[], &[0], &[0, 1]]), [(0, 0), (1, 0), (2, 0)]);
        // Two chains do not cross, whatever their numbers.
        assert_eq!(
            spots(&[&[], &[], &[1], &[0]]),
            [(0, 0), (0, 1), (1, 1), (1, 0)]
        );
        // A ring has no first one, and is drawn all the same.
        assert_eq!(spots(&[&[1], &[0]]), [(0, 0), (0, 1)]);
    }

    proptest! {
        #[test]
        fn everybody_stands_behind_what_it_needs_and_nobody_on_another(
            picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..40),
        ) {
            let after: Vec<Vec<usize>> = picks.iter().enumerate().map(|(node, picks)| {
                let mut needs: Vec<usize> = picks.iter().filter(|_| node > 0).map(|pick| pick.index(node)).collect();
                needs.sort_unstable();
                needs.dedup();
                needs
            }).collect();
            let spots = layered(&after);
            for (node, needs) in after.iter().enumerate() {
                for need in needs {
                    prop_assert!(spots[*need].layer < spots[node].layer);
                }
                for other in 0..node {
                    prop_assert_ne!(spots[other], spots[node]);
                }
            }
        }
    }
}
