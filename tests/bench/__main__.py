"""Benchmarks: each measures ours beside what a user would take instead, in pairs, in one run.

Only the ratio means anything: machines differ, and this one may be busy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.setting import PLACEHOLDER

Action = Callable[[], object]
PAIRS = 7

ROOT = Path(__file__).resolve().parents[2]
N8N = ROOT / "orchestration/features/n8n/compose.yaml"


def process(*command: object) -> Action:
    """An action that runs *command* to its end."""
    words = [str(word) for word in command]
    return lambda: subprocess.run(words, check=True, capture_output=True)


def benchmarks(env_file: Path) -> Mapping[str, tuple[Action, Action]]:
    """Name -> ours, theirs."""
    tray = [sys.executable, "-m", "aiserver_tray", "--home", env_file.parent, "catalog"]
    compose = process("docker-compose", "-f", N8N, "--env-file", env_file, "config")
    config = process(*tray, "config", N8N, "--env-file", env_file)
    return {
        "config-in-process": (
            lambda: load_project(N8N, read_env_file(env_file)).to_compose(),
            compose,
        ),
        "config-whole-process": (config, compose),
        "catalog-list": (process(*tray, "list"), compose),
    }


def seconds(action: Action) -> float:
    """How long *action* takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(ours: Action, theirs: Action) -> dict[str, float]:
    """Median times of both in seconds, and median, least and greatest of the pairs' ratios."""
    ours(), theirs()  # caches warm for both
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(PAIRS)]
    ratios = [mine / other for mine, other in pairs]
    return {
        "ours": statistics.median(mine for mine, _ in pairs),
        "theirs": statistics.median(other for _, other in pairs),
        "ratio": statistics.median(ratios),
        "least": min(ratios),
        "greatest": max(ratios),
    }


def main() -> None:
    """Run the named benchmarks, or all."""
    with tempfile.TemporaryDirectory() as folder:
        env_file = Path(folder, "values.env")
        example = N8N.with_name("env.example").read_text(encoding="utf-8")
        env_file.write_text(example.replace(PLACEHOLDER, "made-up-"), encoding="utf-8")
        run(benchmarks(env_file))


def run(known: Mapping[str, tuple[Action, Action]]) -> None:
    """Measure those of *known* that the command line names, print and store the figures."""
    parser = argparse.ArgumentParser("dev.py bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--json", type=Path, dest="file")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    results = {}
    write = sys.stdout.write
    write(f"{'benchmark':<24}{'ours s':>9}{'theirs s':>10}{'ratio':>8}  spread\n")
    for name in options.names or known:
        result = results[name] = measure(*known[name])
        write(
            f"{name:<24}{result['ours']:>9.3f}{result['theirs']:>10.3f}{result['ratio']:>8.2f}"
            f"  {result['least']:.2f}-{result['greatest']:.2f} ({PAIRS} pairs)\n"
        )
    if options.file:
        options.file.write_text(json.dumps(results, indent=2) + os.linesep, encoding="utf-8")


if __name__ == "__main__":
    main()
