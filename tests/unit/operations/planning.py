"""Real modules, resolved from Compose files, and containers as the engine would show them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.model import Container
from aiserver_tray.operations.plan.decide import Observed
from aiserver_tray.spec.build import module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ModuleTarget, ServiceTarget

MADE = datetime(2026, 1, 1, tzinfo=UTC)
IMAGE_ID = "sha256:1"

BASE = """
    x-aiserver: {kind: basic}
    services:
      base:
        image: busybox:1
        volumes: ["data:/data"]
    volumes: {data: {}}
"""

APP = """
    x-aiserver: {kind: feature, requires: [base]}
    services:
      job:
        image: busybox:1
      web:
        image: busybox:1
        depends_on: {job: {condition: service_completed_successfully}}
      worker:
        image: busybox:2
        depends_on: {web: {condition: service_healthy}}
"""


def targets_of(folder: Path, **files: str) -> list[ModuleTarget]:
    """The modules of the Compose *files* (name -> text), in the order given."""
    for name, text in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "compose.yaml").write_text(dedent(text))
    catalog = load_catalog([folder])
    assert not catalog.problems
    owner = Owner("installation", "1.0")
    return [
        module_target(
            resolve(catalog, catalog.module(name), {}), owner, bind="127.0.0.1", values={}
        )
        for name in files
    ]


def running(service: ServiceTarget, **changes: Any) -> Container:  # noqa: ANN401
    """The container of *service*, running since an hour after `MADE`."""
    return replace(
        Container(
            id=f"id-{service.container}",
            name=service.container,
            module=service.module,
            service=service.service,
            config_hash=service.config_hash,
            image=service.image.display_name,
            image_id=IMAGE_ID,
            status="running",
            created_at=MADE,
            started_at=MADE + timedelta(hours=1),
            networks=frozenset(f"id-{name}" for name in service.attached),
        ),
        **changes,
    )


def done(job: ServiceTarget, **changes: Any) -> Container:  # noqa: ANN401
    """The container of *job*, which succeeded two hours after `MADE`."""
    ended = {"status": "exited", "finished_at": MADE + timedelta(hours=2)}
    return running(job, **{**ended, **changes})


def observed(
    targets: list[ModuleTarget],
    containers: Mapping[str, Container] | None = None,
    **changes: Any,  # noqa: ANN401
) -> Observed:
    """Everything there, and every service running (jobs done), or *containers* instead."""
    if containers is None:
        containers = {
            s.container: done(s) if s.is_job else running(s) for t in targets for s in t.services
        }
    everything = Observed(
        containers=containers,
        images={s.image.name: IMAGE_ID for t in targets for s in t.services if s.image.name},
        networks={n.name: f"id-{n.name}" for t in targets for n in t.networks},
        volumes={v.name: MADE for t in targets for v in t.volumes},
    )
    return replace(everything, **changes)
