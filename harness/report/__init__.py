"""Comparing runs: collect, table, then text and pages. Reads records, predictions and dataset snapshots; never torch."""
