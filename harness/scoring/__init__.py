"""From the answers of a run to its scores: item scores first, aggregates with intervals over them."""
