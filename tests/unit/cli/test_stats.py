"""The use of processor and memory as rows and on a terminal."""

import io
from dataclasses import replace

from rich.console import Console

from aiserver_tray.cli.stats import STATS_HEADS, Row, rows, stats_json, stats_table
from aiserver_tray.features.monitoring.samples import Load, Sample, SampleJson, sample_json
from aiserver_tray.state.views import EngineView, Snapshot
from tests.support.made import STACK_ABLE
from tests.unit.cli.modules import MODULE, SERVICE

MIB = 1 << 20
RATES = ("1.5 kB/s / 20 B/s", "0 B/s / 2.0 MB/s")
SERVICES = (
    replace(SERVICE, memory_limit=512 * MIB),
    replace(SERVICE, name="runners"),
    replace(SERVICE, name="job", state="exited"),
)
SNAPSHOT = Snapshot(
    EngineView(running=True, cpus=2, memory=16 << 30),
    "running",
    (
        replace(MODULE, services=SERVICES),
        replace(MODULE, name="dify", state="stopped", services=()),
        replace(MODULE, name="redis", kind="basic", memory_limit=64 * MIB),
    ),
    abilities=STACK_ABLE,
)
SAMPLE = sample_json(
    Sample(
        1_700_000_000.4,
        {
            ("n8n", "n8n"): Load(30.25, 300 * MIB, 1500, 20, 0, 2e6, 9),
            ("n8n", "runners"): Load(None, 50 * MIB),
            ("redis", "redis"): Load(1.0, 5 * MIB),
        },
    )
)
UNKNOWN = sample_json(Sample(1_700_000_000, None))


def shown(*named: str, sample: SampleJson = SAMPLE) -> list[Row]:
    return rows(stats_json(SNAPSHOT, sample, named), named, "en")


def test_modules_that_run_and_services_of_named_ones_are_shown_in_the_order_of_status() -> None:
    n8n = ("n8n", "30.2", "350.0 MiB", "-", *RATES)
    total = ("all modules", "31.2", "355.0 MiB", "16.0 GiB", *RATES)
    assert shown() == [("redis", "1.0", "5.0 MiB", "64.0 MiB", "-", "-"), n8n, total]
    assert shown("n8n", "dify") == [
        ("dify", "-", "-", "-", "-", "-"),
        n8n,
        ("n8n/n8n", "30.2", "300.0 MiB", "512.0 MiB", *RATES),
        ("n8n/runners", "-", "50.0 MiB", "-", "-", "-"),
        total,
    ]
    assert shown(sample=UNKNOWN) == [("all modules", "-", "-", "16.0 GiB", "-", "-")]


def test_the_form_has_the_services_of_every_module() -> None:
    stats = stats_json(SNAPSHOT, SAMPLE, ())
    assert (stats["time"], stats["cpus"]) == ("2023-11-14T22:13:20+00:00", 2)
    rates = {"rx": 1500, "tx": 20, "read": 0, "write": 2_000_000}
    used = {"cpu": 31.25, "memory": 355 * MIB, "pids": 9, **rates}
    assert stats["total"] == {**used, "memoryLimit": 16 << 30}
    assert [module["name"] for module in stats["modules"]] == ["redis", "n8n"]
    own = {"name": "n8n", "cpu": 30.25, "memory": 300 * MIB, "memoryLimit": 512 * MIB}
    idle = {"name": "runners", "cpu": None, "memory": 50 * MIB, "pids": 0, "memoryLimit": None}
    services = [used | own, idle | dict.fromkeys(rates)]
    assert stats["modules"][1]["services"] == services


def test_a_terminal_gets_a_table_that_can_not_move_its_cursor() -> None:
    console = Console(file=io.StringIO(), width=100, highlight=False, markup=False, no_color=True)
    with console.capture() as capture:
        console.print(
            stats_table([*shown(), ("\x1b[2Jgone", "-", "-", "-", "-", "-")], "en", console)
        )
    lines = [line.split() for line in capture.get().splitlines()]
    assert lines[0] == [word for head in STATS_HEADS for word in head.render("en").split()]
    assert ["redis", "1.0", "5.0", "MiB", "64.0", "MiB", "-", "-"] in lines
    assert "\x1b" not in capture.get()
