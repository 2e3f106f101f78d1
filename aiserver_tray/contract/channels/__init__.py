"""The contract, kept: what each channel does."""
