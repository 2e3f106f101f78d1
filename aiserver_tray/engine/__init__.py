"""The Docker engine: the only package that uses the SDK."""
