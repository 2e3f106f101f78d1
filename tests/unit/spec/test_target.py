"""What a module's target holds beyond what the engine's own answers prove (tests/engine)."""

import json
from pathlib import Path

import pytest

from aiserver_tray.spec.labels import Owner

from .made import FILE, HEAD, SECRET, TargetOf, service

# -- the hash ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("B: b, A: a", "A: a, B: b"),
        ("image: web:1", "image: web:1\n    build: {context: .}"),
        ("services:", "services:\n  other: {image: other}"),
        ("image: web:1", "image: web:1\n    x-note: {a: 1}"),
    ],
    ids=["same input", "order of variables", "how it is built", "another service", "an extension"],
)
def test_change_without_effect_on_the_container_keeps_its_hash(
    target_of: TargetOf, before: str, after: str
) -> None:
    changed = service(target_of(FILE.replace(before, after)), "web")
    mine = service(target_of(FILE), "web")
    assert changed.config_hash == mine.config_hash
    other = service(target_of(FILE, owner=Owner("elsewhere", "2.0")), "web")
    assert other.config_hash == mine.config_hash, "of another installation and version"
    assert other.body["Labels"] != mine.body["Labels"]


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("image: web:1", "image: web:2", {}),
        ("B: b", "B: c", {}),
        ("com.example: label", "com.example: other", {}),
        ("target: /etc/web.conf", "target: /etc/other.conf", {}),
        ("image: web:1", "image: web:1\n    mem_limit: 1g", {}),
        ("image: web:1", "image: web:1\n    platform: linux/arm64", {}),
        ("", "", {"values": {"m.KEY": "made-up-other-secret"}}),
        ("", "", {"values": {"m.PORT": "18101"}}),
        ("", "", {"bind": "0.0.0.0"}),
    ],
)
def test_another_configuration_or_value_has_another_hash(
    target_of: TargetOf, before: str, after: str, change: dict[str, object]
) -> None:
    changed = target_of(FILE.replace(before, after), **change).services[0]
    assert changed.config_hash != target_of(FILE).services[0].config_hash


def test_another_content_of_a_file_has_another_hash(target_of: TargetOf, tmp_path: Path) -> None:
    before = target_of(FILE).services[0].config_hash
    (tmp_path / "catalog/m/web.conf").write_text("other", encoding="utf-8")
    assert target_of(FILE).services[0].config_hash != before


# -- secrets -------------------------------------------------------------------------------------


def test_no_secret_shows_in_a_representation(target_of: TargetOf) -> None:
    target = target_of(f"""{HEAD}
services:
  web:
    image: web:1
    environment: {{KEY: "${{KEY}}"}}
    build: {{context: ., args: {{KEY: "${{KEY}}"}}}}
    configs: [conf]
    post_start: [{{command: [echo, "${{KEY}}"]}}]
    pre_stop: [{{command: [echo], environment: {{KEY: "${{KEY}}"}}}}]
    networks: {{default: {{driver_opts: {{key: "${{KEY}}"}}}}, other: }}
    volumes: ["data:/data"]
configs: {{conf: {{content: "key=${{KEY}}"}}}}
volumes: {{data: {{driver_opts: {{o: "password=${{KEY}}"}}}}}}
networks: {{other: {{driver_opts: {{key: "${{KEY}}"}}}}}}
""")
    assert SECRET in json.dumps(target.services[0].body)
    assert SECRET not in repr(target)


# -- names ---------------------------------------------------------------------------------------


def test_everything_is_named_after_the_module(target_of: TargetOf) -> None:
    target = target_of("""
services:
  m: {image: i, volumes: ["data:/data", "theirs:/theirs"], networks: [default, back, shared]}
  other: {image: i, container_name: mine}
networks: {back: , shared: {external: true, name: ai-net}}
volumes: {data: {name: own-name}, theirs: {external: true}}
""")
    assert [s.container for s in target.services] == ["ai-m", "ai-m-other"]
    assert {n.name: n.external for n in target.networks} == {
        "ai-m": False,
        "ai-m-back": False,
        "ai-net": True,
    }
    assert {v.name: v.external for v in target.volumes} == {"ai-m-data": False, "theirs": True}
    assert service(target, "m").volumes == ("ai-m-data", "theirs")
    assert [n.name for n in target.networks if "io.aiserver.installation" in n.body["Labels"]] == [
        "ai-m-back",
        "ai-net",
        "ai-m",
    ]
    # A container name is an alias where only the module is.
    target = target_of("""
services: {a: {image: i, container_name: mine, networks: [default, ai-net]}}
networks: {ai-net: {external: true}}
""")
    endpoints = target.services[0].body["NetworkingConfig"]["EndpointsConfig"]
    assert endpoints["ai-m"]["Aliases"] == ["a", "mine"]
    assert endpoints["ai-net"]["Aliases"] == ["a"]


def test_labels_are_ours_and_those_that_group(target_of: TargetOf) -> None:
    (web,) = target_of(FILE).services
    assert web.body["Labels"] == {
        "com.example": "label",
        "io.aiserver.module": "m",
        "io.aiserver.service": "web",
        "io.aiserver.config-hash": web.config_hash,
        "io.aiserver.version": "1.0",
        "io.aiserver.installation": "home",
        "io.aiserver.requires": "",
        "com.docker.compose.project": "aiserver-m",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.config-hash": web.config_hash,
    }
    # A file gives no label of ours.
    ours = '{io.aiserver.one-shot: home, io.aiserver.page: "9.9.9.9:1", mine: "1"}'
    target = target_of(f"""
services: {{a: {{image: i, labels: {ours}, volumes: ["data:/d"]}}}}
volumes: {{data: {{labels: {ours}}}}}
networks: {{default: {{labels: {ours}}}}}
""")
    for body in (target.services[0].body, target.volumes[0].body, target.networks[0].body):
        assert body["Labels"]["mine"] == "1"
        assert not body["Labels"].keys() & {"io.aiserver.one-shot", "io.aiserver.page"}


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("http://localhost:${PORT}/wiki", "localhost:18100"),
        ("http://[::1]:18100", "[::1]:18100"),
        ("http://localhost", "localhost"),
        ("https://localhost", None),
        ("http://localhost:18101", None),
        ("http://localhost:x", None),
    ],
)
def test_container_that_publishes_the_page_has_its_address_as_a_label(
    target_of: TargetOf, page: str, place: str | None
) -> None:
    head = FILE.replace("kind: feature", f"kind: feature\n  open: {page}")
    head = head.replace("services:\n", "services:\n  side: {image: side:1}\n", 1)
    target = target_of(head.replace('ports: ["', 'ports: ["80:81", "', 1))
    assert service(target, "web").body["Labels"].get("io.aiserver.page") == place
    assert "io.aiserver.page" not in service(target, "side").body["Labels"]


def test_required_modules_are_a_label_and_not_in_the_hash(target_of: TargetOf) -> None:
    service = "services: {a: {image: i}}\n"
    target_of(service, name="b")
    target_of(service, name="c")
    (before,) = target_of(service).services
    (after,) = target_of(f"x-aiserver: {{kind: feature, requires: [c, b]}}\n{service}").services
    assert after.body["Labels"]["io.aiserver.requires"] == "b,c"
    assert after.config_hash == before.config_hash
    waits = service.replace("image: i", "image: i, x-aiserver: {requires: [c]}")
    (one,) = target_of(f"x-aiserver: {{kind: feature, requires: [c, b]}}\n{waits}").services
    assert one.body["Labels"]["io.aiserver.requires"] == "c"
