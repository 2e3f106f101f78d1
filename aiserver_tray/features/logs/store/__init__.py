"""The log store: lines of all containers, kept and searchable, in one file of a home."""
