"""Modules on a Docker Swarm, and as a plain Compose project."""
