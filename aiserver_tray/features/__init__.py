"""What the product can do: each folder is a feature with its store, channels and events."""
