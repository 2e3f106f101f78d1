"""Channels, events and messages between the owner of the core and its clients; knows no feature."""
