"""AI-Server Tray: a system tray applet that runs a local AI stack in Docker."""

__version__ = "0.1.0"
