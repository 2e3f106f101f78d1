"""Channels and events that only clients of the predecessor need."""
