"""What it costs an owner to keep the logs of 30 services that write 100 lines a second each."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from aiserver_tray.carriers.local.client import Client
from aiserver_tray.core.app import App
from aiserver_tray.engine.engine import Engine
from aiserver_tray.spec.labels import Owner, container_labels
from tests.bench.result import Figure
from tests.lab import engine as lab_engine
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted

IMAGE = "busybox:1.37.0"
SERVICES = 30
PERIOD = 20.0
"""Seconds of each measurement."""

MEBIBYTE = 1 << 20

FORMATS = (
    '{"level":"info","time":1770000000000,"pid":7,"hostname":"n8n","executionId":"\'$n\'",'
    '"msg":"Workflow execution finished after 12 nodes and 3 branches without a problem"}',
    "2026-11-25 04:02:44,290 INFO [Thread-5 (process_request)] [workflow_engine.py:210] b41f77a0 "
    "- Workflow run '$n' finished, 12 nodes, 3 branches, 1044 of 4096 tokens were used",
    "172.18.0.1 - - [25/Nov/2026:04:02:44 +0000] \"GET /console/api/apps/'$n'?page=2&limit=30 "
    'HTTP/1.1" 200 7341 "http://localhost/apps" "Mozilla/5.0 (X11; Linux x86_64)"',
    "2026-11-25 04:02:44.290 UTC ['$n'] LOG:  duration: 17.251 ms  statement: SELECT id, name, "
    "created_at FROM apps WHERE tenant_id = 7 ORDER BY created_at DESC LIMIT 30",
    'time="2026-11-25T04:02:44.290Z" level=info msg="plugin installed" plugin=openai tenant='
    "b41f77a0c2d9 trace_id=88a1c0ffee status=200 version=0.0.17 number='$n' duration=1.2s",
)
"""Of n8n, Dify, nginx, PostgreSQL and Dify's plugin daemon."""


def log_collecting(place: Place) -> dict[str, Figure]:
    """Processor time and memory with and without kept logs, and lines a second."""
    with (
        TemporaryDirectory() as folder,
        _writers(place, Path(folder)) as cli,
        hosted(cli) as (client, process),
    ):
        owner = psutil.Process(process.pid)
        _keep(client, "false")
        time.sleep(PERIOD / 4)
        idle, before = _share(owner), owner.memory_info().rss
        _keep(client, "true")
        time.sleep(PERIOD / 4)  # it catches up
        lines = _lines(client)
        busy = _share(owner)
        rate = (_lines(client) - lines) / PERIOD
        memory = owner.memory_info().rss - before
    return {
        "log-collecting-cpu": Figure((busy - idle) * 3000 / rate, "% at 3,000 lines/s", 6.0),
        "log-collecting-lines": Figure(rate, "lines/s"),
        "log-collecting-memory": Figure(memory / MEBIBYTE, f"MiB, {SERVICES} services", 15.0),
    }


def _share(process: psutil.Process) -> float:
    """Percent of a core that it uses."""
    return process.cpu_percent(PERIOD)


def _keep(client: Client, value: str) -> None:
    client.request("ai/config/set", {"name": "app.logs_keep", "value": value})


def _lines(client: Client) -> int:
    return int(client.request("ai/logs/bounds")["lines"])


@contextmanager
def _writers(place: Place, folder: Path) -> Iterator[CommandLine]:
    """The containers of an installation, which write."""
    app = App(folder / "home", [folder / "catalog"], place.host)
    owner = Owner(app.settings.installation_id, "1")
    (folder / "catalog").mkdir()
    lab_engine.client(place).images.pull(IMAGE)
    with closing(Engine(place.host)) as engine, ThreadPoolExecutor(4) as threads:
        try:
            list(threads.map(lambda number: _run(engine, owner, number), range(SERVICES)))
            yield CommandLine(folder / "home", folder / "catalog", place.host)
        finally:
            found = engine.containers.summaries(app.settings.installation_id)
            list(threads.map(lambda summary: engine.containers.remove(summary.id), found))


def _run(engine: Engine, owner: Owner, number: int) -> None:
    line = FORMATS[number % len(FORMATS)]
    script = (
        "n=0; while :; do end=$((n+25)); "
        f"while [ $n -lt $end ]; do n=$((n+1)); echo '{line}'; done; sleep 0.25; done"
    )
    body = {
        "Image": IMAGE,
        "Cmd": ["sh", "-c", script],
        "Labels": container_labels("bench", f"s{number}", owner, "hash", {}),
        "HostConfig": {"NetworkMode": "none", "LogConfig": {"Type": "local"}},
    }
    created = engine.containers.create(f"bench-logs-{number}", body)
    engine.containers.start(created)
