"""Values, secrets and desired state of a home."""
