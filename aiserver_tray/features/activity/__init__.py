"""The journal as clients see it."""
