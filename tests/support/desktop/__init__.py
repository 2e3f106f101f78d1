"""A virtual desktop, and the applet on it as its user sees it."""
