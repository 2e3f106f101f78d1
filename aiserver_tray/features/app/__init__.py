"""The owner's process, this computer, and the first steps."""
