"""The owner of the core: the one process per home that has store and operations."""
