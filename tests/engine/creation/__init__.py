"""Containers made by us and by ``docker compose`` from the same file, side by side."""
