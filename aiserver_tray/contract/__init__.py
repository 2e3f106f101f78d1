"""Channels and events between the owner of the core and its clients, and their carriers."""
