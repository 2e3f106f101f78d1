"""Removes what takes space and is not in use."""
