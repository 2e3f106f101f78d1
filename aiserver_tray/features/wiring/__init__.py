"""Modules that use another module's service with an access token of it."""
