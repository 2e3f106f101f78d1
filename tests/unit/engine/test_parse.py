"""The engine's JSON as values."""

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest

from aiserver_tray.engine import parse
from aiserver_tray.engine.archive import archive
from aiserver_tray.engine.events import event_params
from aiserver_tray.engine.logs import frames
from aiserver_tray.engine.values import Usage
from aiserver_tray.model import Port
from aiserver_tray.spec.labels import MODULE, REQUIRES, SERVICE
from aiserver_tray.spec.model import File


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25T03:55:49.439709123Z", datetime(2026, 11, 25, 3, 55, 49, 439709, UTC)),
        ("2026-11-25T03:55:49Z", datetime(2026, 11, 25, 3, 55, 49, 0, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_times_have_microseconds_and_gos_zero_is_none(text: str, moment: datetime | None) -> None:
    assert parse.moment(text) == moment


@pytest.mark.parametrize(
    ("stats", "memory"),
    [({"total_inactive_file": 30, "inactive_file": 7}, 70), ({"inactive_file": 40}, 60), ({}, 100)],
    ids=["control groups 1", "control groups 2", "neither"],
)
def test_memory_is_without_the_page_cache(stats: dict[str, int], memory: int) -> None:
    cpu = {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 50, "online_cpus": 2}
    answer = {"cpu_stats": cpu, "memory_stats": {"usage": 100, "stats": stats}}
    assert parse.usage(answer) == Usage(5, 50, 2, memory)


def test_claims_are_fixed_ports_on_every_address() -> None:
    bindings = {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": "81"}],
        "53/udp": [{"HostIp": "::", "HostPort": "53"}],
        "54/udp": [{"HostIp": "", "HostPort": "5400-5410"}],
        "22/tcp": [{"HostIp": "", "HostPort": ""}, {"HostIp": "", "HostPort": "0"}],
        "23/tcp": None,
    }
    assert parse.port_claims({"HostConfig": {"PortBindings": bindings}}) == (
        Port("127.0.0.1", 8080, 80, "tcp"),
        Port("0.0.0.0", 81, 80, "tcp"),
        Port("::", 53, 53, "udp"),
    )


@pytest.mark.parametrize(
    ("given", "required"),
    [({}, None), ({REQUIRES: ""}, ()), ({REQUIRES: "postgres,redis"}, ("postgres", "redis"))],
)
def test_what_a_containers_module_required_is_in_its_label(
    given: dict[str, str], required: tuple[str, ...] | None
) -> None:
    assert parse.container(_inspected(given)).requires == required


def test_labels_of_others_are_one_line() -> None:
    found = parse.container(_inspected({MODULE: "n8n\n\x1b[2J", SERVICE: "\u202eweb"}))
    assert (found.module, found.service) == ("n8n [2J", "web")


def _inspected(given: dict[str, str]) -> dict[str, Any]:
    return {
        "Id": "1",
        "Name": "/ai-web",
        "Image": "sha256:1",
        "Created": "",
        "RestartCount": 0,
        "Config": {"Image": "web:1", "Labels": given},
        "State": {
            "Status": "running",
            "ExitCode": 0,
            "OOMKilled": False,
            "Error": "",
            "StartedAt": "",
            "FinishedAt": "",
        },
        "NetworkSettings": {},
    }


def test_frames_are_found_however_the_pieces_are_cut() -> None:
    stream = b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x02de\x01\0\0\0\0\0\0\0"
    expected = [("stdout", b"abc"), ("stderr", b"de"), ("stdout", b"")]
    for size in range(1, len(stream) + 1):
        pieces = (stream[at : at + size] for at in range(0, len(stream), size))
        assert list(frames(pieces)) == expected


def test_an_archive_has_files_alone_relative_to_where_it_is_unpacked() -> None:
    content = archive([File("/etc/app/x.conf", b"text", 70, 71, 0o440)], PurePosixPath("/etc"))
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        (entry,) = tar.getmembers()
        assert (entry.name, entry.uid, entry.gid, entry.mode) == ("app/x.conf", 70, 71, 0o440)
        file = tar.extractfile(entry)
        assert file is not None
        assert file.read() == b"text"


def test_events_of_health_checks_commands_are_not_asked_for() -> None:
    filters = json.loads(event_params("me")["filters"])
    assert filters["type"] == ["container"]
    assert filters["label"] == ["io.aiserver.installation=me"]
    assert not [action for action in filters["event"] if action.startswith("exec")]
