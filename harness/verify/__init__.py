"""What `harness verify` does: every metric and test against published, hand-worked or simulated values."""
