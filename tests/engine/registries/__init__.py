"""Registries that go wrong, for pulling from."""
