"""What `build/generate.py` writes. It reads the declarations of the package, and so runs in the
project's environment."""
