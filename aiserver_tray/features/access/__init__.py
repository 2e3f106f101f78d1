"""Addresses of modules in the home or office network, through the gateway."""
