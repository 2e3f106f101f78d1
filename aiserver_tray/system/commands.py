"""Output of system commands."""

import subprocess

_TIMEOUT_SECONDS = 2.0


def output_of(*command: str) -> str:
    """The output of *command*; empty if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
