"""What this machine runs, for people who look for a problem."""

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import distributions


def python_and_system() -> Mapping[str, object]:
    """Versions of Python, its packages, and the operating system."""
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "python": sys.version,
        "frozen": bool(getattr(sys, "frozen", False)),
        "system": platform.platform(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items())),
    }
