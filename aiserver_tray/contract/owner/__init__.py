"""The host of the core: the one process per home that owns store and operations."""
