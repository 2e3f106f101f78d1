"""Rules that find trouble in states, samples and log lines, and notify the user."""
