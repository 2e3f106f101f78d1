"""Terminals in services, for people at the dashboard."""
