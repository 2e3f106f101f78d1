"""Events are declared with their features, and cost a client nothing else."""

import subprocess
import sys

from aiserver_tray.features import events
from tests.unit.pages import ROOT

FEATURES = ROOT / "aiserver_tray/features"
NAMES = sorted(file.parent.name for file in FEATURES.glob("*/events.py"))

HEAVY = ("pydantic", "sqlite3", "docker", "requests", "yaml")


def test_a_client_that_wants_every_event_gets_those_of_each_feature() -> None:
    assert [module.__name__ for module in events.MODULES] == [
        f"aiserver_tray.features.{name}.events" for name in NAMES
    ]
    assert {"ai/snapshot/event", "ai/logs/followed"} <= set(events.every_event())


def test_the_events_of_a_feature_bring_no_heavy_package() -> None:
    script = "import sys, aiserver_tray.features.events; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    assert modules.isdisjoint(HEAVY)
