"""Checks of an installation and its engine."""
