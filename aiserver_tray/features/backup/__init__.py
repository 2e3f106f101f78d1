"""Backups: files with everything that a module needs, made, proven and restored."""
