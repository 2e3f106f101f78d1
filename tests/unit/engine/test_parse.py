"""The engine's JSON as values."""

import io
import json
import struct
import tarfile
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import pytest

from aiserver_tray.engine import logs, parse
from aiserver_tray.engine.containers import archive
from aiserver_tray.engine.engine import event_params
from aiserver_tray.engine.logs import Frames, LineReader, _PlainLines, frames
from aiserver_tray.engine.stream import unchunked
from aiserver_tray.engine.values import DiskUse, LogLine, Usage, VolumeUse
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
    usage = parse.usage(statistics(memory_stats={"usage": 100, "stats": stats}))
    assert usage == Usage(1_700_000_000, 5, 50, 2, memory)


def statistics(**more: object) -> dict[str, object]:
    """The least that the engine answers for a container that runs."""
    cpu = {"cpu_usage": {"total_usage": 5}, "system_cpu_usage": 50, "online_cpus": 2}
    return {"read": "2023-11-14T22:13:20Z", "cpu_stats": cpu, "memory_stats": {"usage": 9}, **more}


@pytest.mark.parametrize("words", [("Read", "Write"), ("read", "write")], ids=["v1", "v2"])
def test_networks_and_disks_are_summed(words: tuple[str, str]) -> None:
    transfers = [{"op": word, "value": value} for word, value in zip(words, (5, 7), strict=True)]
    usage = parse.usage(
        statistics(
            networks={
                "eth0": {"rx_bytes": 1, "tx_bytes": 2},
                "b": {"rx_bytes": 10, "tx_bytes": 20},
            },
            blkio_stats={"io_service_bytes_recursive": [*transfers, *transfers]},
            pids_stats={"current": 3},
            memory_stats={"usage": 9, "limit": 64},
        )
    )
    assert usage == Usage(1_700_000_000, 5, 50, 2, 9, 64, 11, 22, 10, 14, 3)


@pytest.mark.parametrize("found", [{}, {"io_service_bytes_recursive": None}])
def test_a_kernel_may_count_nothing(found: dict[str, object]) -> None:
    usage = parse.usage(statistics(blkio_stats=found))
    assert usage == Usage(1_700_000_000, 5, 50, 2, 9)


def test_disk_use_is_counted_as_docker_system_df_does() -> None:
    def image(size: int, shared: int, containers: int) -> dict[str, int]:
        return {"Size": size, "SharedSize": shared, "Containers": containers}

    def cache(size: int, *, shared: bool, used: bool) -> dict[str, object]:
        return {"Size": size, "Shared": shared, "InUse": used}

    answer = {
        "LayersSize": 100,
        "Images": [image(70, 20, 1), image(50, 20, 0)],
        "Containers": [{"SizeRw": 3}, {}],
        "Volumes": [
            {"Name": "counted", "UsageData": {"Size": 8}, "Labels": {"of": "us"}},
            {"Name": "elsewhere", "UsageData": {"Size": -1}},
            {"Name": "unknown", "UsageData": None},
        ],
        "BuildCache": [
            cache(4, shared=False, used=True),
            cache(6, shared=False, used=False),
            cache(90, shared=True, used=False),
        ],
    }
    assert parse.disk_use(answer) == DiskUse(100, 3, 8, 10, unused=50 + 6)
    assert parse.volume_use(answer) == [
        VolumeUse("counted", {"of": "us"}, 8),
        VolumeUse("elsewhere", {}, None),
        VolumeUse("unknown", {}, None),
    ]


@pytest.mark.parametrize(
    ("history", "sizes"),
    [
        ([("CMD [sh]", 0), ("RUN make", 5), ("/bin/sh -c #(nop) ENV A=1", 0), ("COPY", 7)], [7, 5]),
        ([("WORKDIR /app", 0), ("RUN make", 5), ("COPY", 7)], [7, 5, 0]),
        ([("RUN true", 0), ("RUN make", 5), ("COPY", 7)], [7, 5]),
        ([("WORKDIR /app", 0), ("WORKDIR /", 0), ("COPY", 7)], [None, None]),
    ],
    ids=["metadata", "empty layer", "empty step", "ambiguous"],
)
def test_layers_of_an_image_have_the_sizes_in_its_history(
    history: list[tuple[str, int]], sizes: list[int | None]
) -> None:
    entries = [{"CreatedBy": by, "Size": size} for by, size in history]
    names = [f"sha256:{number}" for number in range(len(sizes))]
    found = parse.image_details({"RootFS": {"Layers": names}}, entries)
    assert [layer.size for layer in found.layers] == sizes
    other = parse.image_details({"RootFS": {"Layers": [names[0], "sha256:x"]}}, ())
    assert found.layers[0].id == other.layers[0].id
    assert found.layers[1].id != other.layers[1].id


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
def test_required_modules_are_read_from_the_label_of_the_container(
    given: dict[str, str], required: tuple[str, ...] | None
) -> None:
    assert parse.container(_inspected(given)).requires == required
    # Labels of others are one line.
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


def test_frames_and_chunks_are_found_however_the_pieces_are_cut() -> None:
    stream = b"\x01\0\0\0\0\0\0\x03abc\x02\0\0\0\0\0\0\x02de\x01\0\0\0\0\0\0\0"
    expected = [("stdout", b"abc"), ("stderr", b"de"), ("stdout", b"")]
    for size in range(1, len(stream) + 1):
        pieces = (stream[at : at + size] for at in range(0, len(stream), size))
        assert list(frames(pieces)) == expected
    # Chunks are joined however the pieces are cut.
    body = b"3\r\nabc\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n"
    for size in range(1, len(body) + 1):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        assert b"".join(unchunked(chunks)) == b"abc0123456789"
    with pytest.raises(EOFError):
        list(unchunked([body[:-5]]))


HEAD = b"2026-11-25T04:02:44."


def test_a_long_line_is_joined_from_its_frames_whatever_comes_between() -> None:
    splitter = Frames()
    parts = ((1, b"%s290Z ab" % HEAD), (2, b"%s3Z x\n" % HEAD), (1, b"%s290Z cd\n" % HEAD))
    frames = [struct.pack(">BxxxL", number, len(part)) + part for number, part in parts]
    assert splitter.feed(b"".join(frames)) == [
        ("stderr", HEAD + b"3Z", b"x\n"),
        ("stdout", HEAD + b"290Z", b"abcd\n"),
    ]
    assert splitter.rest() == []


def test_a_line_that_is_cut_where_it_ends_has_no_empty_line_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logs, "_MAX_LINE_BYTES", 30)
    parts = [b"%s2Z %s" % (HEAD, text) for text in (b"long line", b"\n", b"\n", b"next\n")]
    framed = Frames()
    found = [framed.feed(struct.pack(">BxxxL", 1, len(part)) + part) for part in parts]
    plain = _PlainLines()
    assert [*map(plain.feed, parts)] == found
    texts = [text for lines in found for _, _, text in lines]
    assert texts == [b"long line\n", b"\n", b"next\n"]


@pytest.mark.parametrize(
    ("time", "nanoseconds"),
    [
        ("2026-11-25T04:02:44.290123456Z", 1795579364290123456),
        ("2026-11-25T04:02:44.2Z", 1795579364200000000),
        ("2026-11-25T05:02:44.290123456+01:00", 1795579364290123456),
        ("2026-11-25T04:02:44Z", 1795579364000000000),
    ],
)
def test_times_of_lines_are_exact(time: str, nanoseconds: int) -> None:
    reader = LineReader()
    for _ in range(2):
        lines = reader.read([("stdout", time.encode(), b"a b\r\n"), ("stderr", b"part", b"of it")])
        assert lines == [
            LogLine("stdout", nanoseconds, "a b"),
            LogLine("stderr", None, "part of it"),
        ]


def test_lines_with_line_ends_are_split_and_broken_text_is_replaced() -> None:
    time = HEAD + b"2Z"
    for texts, expected in (
        ((b"a\xe4\n", b"b\n", b"\n"), ["a\ufffd", "b", ""]),
        ((b"a\xe4\n", b"b\nc\n", b"\n", b"d\r\n"), ["a\ufffd", "b", "c", "", "d"]),
    ):
        lines = LineReader().read([("stdout", time, text) for text in texts])
        assert [line.text for line in lines] == expected


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


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64"), ("riscv64", "linux/riscv64")],
)
def test_the_engines_platform_has_the_name_that_images_use(
    architecture: str, platform: str
) -> None:
    assert parse.platform({"OSType": "linux", "Architecture": architecture}) == platform


def test_it_is_known_how_the_engine_reaches_registries() -> None:
    indexes = {"docker.io": {"Secure": True}, "lan:5000": {"Secure": False}}
    config = {"Mirrors": ["https://mirror.example/"], "IndexConfigs": indexes}
    answer = {"RegistryConfig": config, "HttpsProxy": "http://proxy:3128", "HttpProxy": ""}
    access = parse.registry_access(answer)
    assert access.mirrors == ("https://mirror.example/",)
    assert access.insecure == ("lan:5000",)
    assert access.proxies == {"https": "http://proxy:3128"}
    assert parse.registry_access({}).mirrors == ()


@pytest.mark.parametrize(("driver", "subnets"), [("bridge", ("172.18.0.0/16",)), ("macvlan", ())])
def test_a_range_that_other_devices_share_is_none_of_containers(
    driver: str, subnets: tuple[str, ...]
) -> None:
    ipam = {"Config": [{"Subnet": "172.18.0.0/16"}, {}]}
    answer = {"Id": "1", "Name": "one", "Driver": driver, "IPAM": ipam}
    assert parse.network(answer).subnets == subnets
