"""Processes of the same user."""
