"""The one process of a home that owns the core, and the features that it registers."""
