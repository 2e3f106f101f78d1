"""The tools of assistants: what they may read, and changes that a person allows."""
