"""Answers that somebody else's pipeline, harness or coder wrote into a file: one reader a kind of file, one shape for all."""
