"""Run compose-lint on the catalog's files.

They are copied first: compose-lint takes a folder of a module for the machine's own where the
project lies below a folder of the system, such as root's home (its rule CL-0013).
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copytree

CATALOG = Path(__file__).parents[1] / "orchestration"
LINT = ("-m", "compose_lint", "check", "--quiet", "--skip-suppressed", "--strict-config")


def lint(catalog: Path) -> subprocess.CompletedProcess[str]:
    """The result of compose-lint on each module of a *catalog*."""
    with tempfile.TemporaryDirectory() as folder:
        copy = copytree(catalog, Path(folder, catalog.name))
        modules = sorted(str(file.relative_to(folder)) for file in copy.glob("*/*/compose.yaml"))
        options = ["--config", str(copy / ".compose-lint.yml"), "--fail-on", "low"]
        command = [sys.executable, *LINT, *options, *modules]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    result = lint(CATALOG)
    sys.stdout.write(result.stdout + result.stderr)
    sys.exit(result.returncode)
