"""The tests, the benchmarks and the lab. They use the developer's tools, which are no package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "build"))
