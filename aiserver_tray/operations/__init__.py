"""What a user requests: locks, plan, preflight, run."""
