"""Settings of modules and of the applet."""
