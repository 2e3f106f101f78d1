"""Facts, the store, and the snapshot that is shown."""
