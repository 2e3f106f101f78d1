"""Icon, menu and notifications."""
