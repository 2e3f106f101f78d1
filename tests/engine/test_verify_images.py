"""`build/dev.py verify-images` on the lab. `test_catalog_whole` logs in at every module, and runs
the health checks in every image."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import docker
import pytest
import requests

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.core.app import built_in_catalog
from developer.machine import ROOT
from tests.lab.engine import registry_address
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, idle
from tests.support.limits import LIMIT
from verifier.images import images_of
from verifier.log_ins import LOG_INS
from verify_images import Verification, agree, verify

(REDIS,) = images_of(load_catalog([built_in_catalog()]), ["redis"])


@dataclass(frozen=True)
class Command:
    """`build/dev.py verify-images` for Redis, with its files in *folder*."""

    lab: Place
    folder: Path

    @property
    def record(self) -> Path:
        return self.folder / "images.json"

    @property
    def report(self) -> Path:
        return self.folder / "report.md"

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        files = ["--record", str(self.record), "--report", str(self.report)]
        place = ["--engine", self.lab.host, "--registry", registry(self.lab)]
        dev = [sys.executable, str(ROOT / "build/dev.py"), "verify-images", "--module", "redis"]
        with subprocess.Popen(
            [*dev, *place, *files, *words],
            env=os.environ | {"XDG_CACHE_HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            yield process

    def run(self, *words: str) -> tuple[int, str]:
        """Exit status and progress of a call."""
        with self.started(*words) as process:
            _, said = process.communicate(timeout=300)
            return process.returncode, said


def registry(lab: Place) -> str:
    return f"http://{registry_address(lab)}"


def objects(engine: docker.DockerClient) -> set[str]:
    """The names of all containers, volumes and networks, but the engine's own networks."""
    networks = {n.name for n in engine.networks.list()} - {"bridge", "host", "none"}
    containers = {c.name for c in engine.containers.list(all=True)}
    return networks | containers | {v.name for v in engine.volumes.list()}


def test_check_of_a_module_records_reports_and_leaves_only_the_image(
    lab: Place, engine: docker.DockerClient, tmp_path: Path
) -> None:
    command = Command(lab, tmp_path)
    before = objects(engine)

    status, said = command.run()
    assert (status, command.record.exists()) == (1, False), said
    assert "disk space" in said
    assert "confirm this with --yes" in said

    with command.started("--yes") as process:
        assert process.stderr
        assert "starting redis\n" in iter(process.stderr.readline, "")
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=300)[1]
        assert "removing what was started" in rest
    assert process.returncode == 130, rest
    assert objects(engine) == before
    assert not [*tmp_path.glob("*/home")]

    status, said = command.run("--yes")
    assert (status, "pulling" in said) == (0, False), said
    assert objects(engine) == before
    assert json.loads(command.record.read_text()) == {REDIS: recorded(lab, engine)}
    report = command.report.read_text()
    assert "Problems: 0." in report
    (row,) = [line for line in report.splitlines() if line.startswith(f"| `{REDIS}`")]
    assert "1 of 1 can run" in row
    (row,) = [line for line in report.splitlines() if line.startswith("| redis ")]
    assert row.endswith("| yes |")


def recorded(lab: Place, engine: docker.DockerClient) -> dict[str, object]:
    """What is to be recorded of Redis, as the engine and the registry have it."""
    (name,) = engine.images.get(REDIS).attrs["RepoDigests"]
    digest = name.partition("@")[2]
    answer = requests.get(
        f"{registry(lab)}/v2/library/redis/manifests/{digest}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
        timeout=LIMIT,
    )
    size = sum(layer["size"] for layer in answer.json()["layers"])
    platforms = {"linux/amd64": {"download": size}}
    return {"digest": digest, "platforms": platforms, "recorded": date.today().isoformat()}


def checked(*test: str, **more: object) -> dict[str, object]:
    """An idle service with this health check."""
    return idle(healthcheck={"test": [*test], "interval": "200ms", "retries": 1}, **more)


def test_one_fault_stops_no_other_check(
    here: Installation,
    engine: docker.DockerClient,
    lab: Place,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here.write("absent", {"absent": {"image": "nobody/nothing:1"}})
    soon = {"ready_within": "1s"}  # it never is
    here.write("unfit", {"direct": checked("CMD", "nonesuch", "-x", **{"x-aiserver": soon})})
    here.write("piped", {"piped": checked("CMD-SHELL", "nonesuch | cat; true")})
    here.write("taken", {"taken": idle()})
    here.write("locked", {"locked": idle()})
    here.write("odd", {"odd": idle()})
    here.write("well", {"well": checked("CMD", "true")})
    monkeypatch.setitem(LOG_INS, "locked", lambda s: s.shell("locked", "echo denied; exit 1", ""))
    monkeypatch.setitem(LOG_INS, "odd", lambda _: json.loads("{}")["data"])
    monkeypatch.setitem(LOG_INS, "well", lambda s: s.shell("well", "test $PASSWORD = x", "x"))
    engine.containers.create(IMAGE, name="ai-taken")
    before, app = objects(engine), here.app

    modules = ["absent", "unfit", "piped", "taken", "locked", "odd", "well"]
    with app.core() as core:
        work = Verification(app, core, modules, registry(lab))
        report = verify(work, agree, tmp_path / "images.json")

    assert report is not None
    problems, text = report.all_problems, report.document(date.today())
    assert [line for line in problems if f"- {line}" not in text.splitlines()] == []
    assert objects(engine) == before
    assert {one.name: one.log_in for one in report.modules} == {
        "absent": "–", "unfit": "–", "piped": "not known",
        "taken": "–", "locked": "failed", "odd": "failed", "well": "yes",
    }  # fmt: skip
    image = "busybox:1.37.0: the health check of"
    for expected in (
        "nobody/nothing:1: its manifest can't be read",
        "absent: ",
        f"{image} unfit/direct can't run",
        f"{image} piped/piped can't run: nonesuch not found",
        "taken: ",
        "locked: a user can't log in: denied",
        "odd: a user can't log in: unexpected answer: KeyError('data')",
    ):
        assert [line for line in problems if line.startswith(expected)], (expected, problems)
    assert not [line for line in problems if line.startswith(("well", "piped:"))]
