"""Actions of modules: commands that a person runs in a running service."""
