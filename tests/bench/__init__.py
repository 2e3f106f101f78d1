"""Benchmarks of the product."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "build"))  # for packages, as pytest does
