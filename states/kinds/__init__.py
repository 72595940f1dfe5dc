"""One file per kind of case."""
