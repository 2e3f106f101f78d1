"""Operations that a user requests: locks, plan, preflight, run."""
