"""What compares runs: collect, then table, then text, html, csv, latex. Reads records, predictions and dataset snapshots; never torch."""
