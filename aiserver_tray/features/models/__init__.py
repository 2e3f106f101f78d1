"""Models that run on this computer or near it, and their way into the stack."""
