"""`python -m harness.cli` is `harness`."""

from harness.cli.main import main

main()
