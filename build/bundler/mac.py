"""The application for macOS: its name, property list and icon."""

from pathlib import Path
from typing import Any, Final

from packaging.version import Version

from window_icon import drawn

APP: Final = "AI-Server Tray.app"
IDENTIFIER: Final = "AIServerTray.AIServerTray"
ICON_SIZES: Final = (32, 64, 128, 256, 512, 1024)
"""Pixels of those in the icon. Pillow writes no smaller ones."""


def properties(version: str) -> dict[str, Any]:
    """What ``Info.plist`` says besides PyInstaller's own entries
    (https://developer.apple.com/documentation/bundleresources/information-property-list)."""
    return {
        "CFBundleName": "AI-Server Tray",
        "CFBundleDisplayName": "AI-Server Tray",
        "CFBundleShortVersionString": Version(version).base_version,
        "CFBundleVersion": Version(version).base_version,
        "CFBundleDevelopmentRegion": "en",
        "CFBundleLocalizations": ["en", "zh-Hans"],
        "LSApplicationCategoryType": "public.app-category.developer-tools",
        "LSMinimumSystemVersion": "11.0",
        # In the menu bar only. PyInstaller thinks that a program with a console has no windows.
        "LSUIElement": True,
        "LSBackgroundOnly": False,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence",
        # Windows show pages of this machine, which have no TLS.
        "NSAppTransportSecurity": {"NSAllowsLocalNetworking": True},
    }


def write_icon(file: Path) -> None:
    """Write the icon, in all sizes."""
    *smaller, largest = map(drawn, ICON_SIZES)
    largest.save(file, format="ICNS", append_images=smaller)
