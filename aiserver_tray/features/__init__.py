"""What the product can do: each folder is a feature."""
