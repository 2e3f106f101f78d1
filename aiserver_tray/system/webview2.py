"""Microsoft Edge WebView2, the browser engine of windows on Windows
(https://learn.microsoft.com/microsoft-edge/webview2/concepts/distribution)."""

import sys
from typing import Final

from aiserver_tray.system.registry import Hive, Registry, WindowsRegistry

NAME: Final = "Microsoft Edge WebView2"
PAGE: Final = "https://developer.microsoft.com/microsoft-edge/webview2/consumer/"

_PLACES: Final[tuple[tuple[Hive, str], ...]] = (
    ("machine", r"SOFTWARE\WOW6432Node\Microsoft\EdgeUpdate\Clients"),
    ("user", r"Software\Microsoft\EdgeUpdate\Clients"),
)
_CLIENTS: Final = (
    "{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}",  # the runtime
    "{2CD8A007-E189-409D-A2C8-9AF4EF3C72AA}",  # Edge Beta, Dev and Canary have it, too
    "{0D50BFEC-CD6A-4F9A-964C-C7416E3ACB10}",
    "{65C35B14-6C1D-4122-AC46-7148CC9D6497}",
)
_NONE: Final = ("", "0.0.0.0")
"""Versions that an uninstalled one leaves."""


def is_missing() -> bool:
    """Whether this is Windows, and no WebView2 is installed."""
    return sys.platform == "win32" and not is_registered(WindowsRegistry())


def is_registered(registry: Registry) -> bool:
    """Whether *registry* has the version of an installed WebView2."""
    found = [
        registry.get(hive, rf"{key}\{client}", "pv") for hive, key in _PLACES for client in _CLIENTS
    ]
    return any(isinstance(version, str) and version not in _NONE for version in found)
