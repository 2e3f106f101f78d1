"""Compose files, read into typed modules with their settings."""
