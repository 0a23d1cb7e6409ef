"""What a results folder holds: records, stored answers, and what may be said of, taken from or added to it."""
