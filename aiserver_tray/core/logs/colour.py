"""Colour codes in log lines."""

import re

SGR = re.compile(r"(\x1b\[[0-9;:]*m)")
"""A colour (ECMA-48's Select Graphic Rendition)."""
