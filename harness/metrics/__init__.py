"""Metrics: pure functions, item scores first and aggregates over them."""
