"""Differences between operating systems: paths, ports, start at login, files, clocks."""
