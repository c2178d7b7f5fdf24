"""`python -m app.cli` is `assay`."""

from app.cli import main

main()
