"""The engine: its details, start and installation."""
