"""The whole built-in catalog as one stack, and what can be done to it."""
