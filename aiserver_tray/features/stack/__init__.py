"""The state of everything, and operations."""
