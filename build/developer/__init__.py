"""What `build/dev.py` does. Only the standard library: it runs before anything is installed."""
