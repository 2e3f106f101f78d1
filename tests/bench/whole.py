"""The whole catalog, beside ``docker compose`` with the same services in one project.

Stand-ins take a tenth of the time that their software takes. What is real in the lab takes its own,
save n8n, which keeps a processor busy for as long as everything else takes together: another
stand-in takes its place.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import docker

from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core import app as wiring
from aiserver_tray.core.app import App, built_in_catalog
from aiserver_tray.settings.names import KERNEL_SETTINGS
from tests.bench import merged
from tests.bench.result import Comparison, Results, alternating, seconds
from tests.bench.sides import Side, Theirs, Tray, WholeProcess
from tests.bench.stacks import containers, require
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.ports import free_port
from tests.support.whole.differing import override

LIMIT = 0.75
TYPICAL = {
    "calciumion/new-api": 5,
    "elasticsearch": 30,
    "getmeili/meilisearch": 2,
    "infiniflow/ragflow": 60,
    "n8nio/n8n": 30,
    "n8nio/runners": 5,
    "justsong/one-api": 5,
    "langgenius/dify-agent-backend": 10,
    "langgenius/dify-agent-local-sandbox": 5,
    "langgenius/dify-api": 30,
    "langgenius/dify-plugin-daemon": 15,
    "langgenius/dify-sandbox": 10,
    "langgenius/dify-web": 8,
    "langgenius/qdrant": 3,
    "pgsty/silo": 3,
    "qdrant/qdrant": 3,
    "searxng/searxng": 8,
    "ghcr.io/open-webui/open-webui": 25,
}
"""Image -> seconds from its start until it is ready, on a desktop that has run it before."""

OURS = "io.aiserver.module"
"""The label that all of our containers have."""

PROGRAM = """
from pathlib import Path
from aiserver_tray import app
app.built_in_catalog = lambda: Path({catalog!r})
from aiserver_tray.cli import main
main()
"""


def whole(lab: Place, pairs: int) -> Results:
    """``up --all``, a process of its own as ``docker compose`` is."""
    with tempfile.TemporaryDirectory() as name, borrowed(lab) as client:
        folder = Path(name)
        none = folder / "none"
        none.mkdir()
        catalog = folder / "catalog"
        shutil.copytree(built_in_catalog(), catalog)
        override(catalog, _slowed_service)
        program = ("-c", PROGRAM.format(catalog=str(catalog)))
        with patch.object(wiring, "built_in_catalog", lambda: catalog):
            _installation(folder / "ours", lab)
            count = _merge(_installation(folder / "theirs", lab), folder / "merged.yaml")
        sides: Sequence[Side] = (
            WholeProcess(Tray(folder / "ours", none, lab.host, program), OURS),
            Theirs("theirs-whole", folder / "merged.yaml", lab.host),
        )
        for side in sides:  # the first time pulls, and makes data
            _round(side, count, client.api)
        times: list[list[float]] = [[], []]
        for number in range(pairs):
            for which in alternating((0, 1), number):
                times[which].append(_round(sides[which], count, client.api))
        return {"whole-up": Comparison(tuple(times[0]), tuple(times[1]), LIMIT)}


def _slowed_service(image: str) -> dict[str, Any] | None:
    """What differs of a service of *image*, if it is a stand-in."""
    if image not in TYPICAL:
        return None
    environment = {"LAB_READY_AFTER": str(TYPICAL[image] / 10)}
    if not image.startswith("n8nio/"):
        return {"environment": environment}
    check = ["CMD", "curl", "-fsS", "http://127.0.0.1:7700/health"]
    return {
        "image": "getmeili/meilisearch:v1.50.0",
        "environment": environment | {"MEILI_MASTER_KEY": "of-nothing-secret"},
        "healthcheck": {"test": check},
    }


def _installation(home: Path, lab: Place) -> App:
    """One whose ports are free, and that may set what the kernel has to have."""
    app = App(home, [], lab.host)
    for address, setting in app.catalog.declared.items():
        if setting.type == "port":
            app.settings.change(app.declared, {address: str(free_port())})
    app.settings.change(app.declared, {KERNEL_SETTINGS: "true"})
    return app


def _merge(app: App, file: Path) -> int:
    """Write the one Compose file; the number of its services that run on."""
    values = app.settings.values(app.catalog.declared)
    return merged.write(
        [resolve(app.catalog, m, values) for m in app.catalog.modules.values()], file
    )


def _round(side: Side, count: int, api: docker.APIClient) -> float:
    """The time of `up`, seen to have done what it is for, and taken back."""
    took = seconds(side.up)
    healthy = [c for c in containers(side, api) if c["Status"].endswith("(healthy)")]
    require(len(healthy) == count, f"{side.label}: {len(healthy)} of {count} healthy")
    ended = [c["Status"] for c in containers(side, api) if c["State"] != "running"]
    require(all(s.startswith("Exited (0)") for s in ended), f"{side.label}: jobs ended: {ended}")
    side.down()
    require(not containers(side, api), f"{side.label}: `down` left containers")
    return took
