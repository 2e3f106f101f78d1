"""Lets a test look into the process of a window: put this folder on its PYTHONPATH, or on that of
the tray, and name a file in AISERVER_PROBE, where `window_probe` tells how it is asked."""

import os
import sys
from importlib import import_module

# What starts windows hands the variable on to them, and is itself as it would be without.
IS_WINDOW = any(word.startswith("aiserver_tray.window.") for word in sys.orig_argv)

if IS_WINDOW and (place := os.environ.pop("AISERVER_PROBE", "")):
    import_module("window_probe").start(place)
