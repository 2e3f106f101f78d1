"""Ports, images, times and dependencies of the services of a module's target."""

import hashlib
import re
from pathlib import Path

import pytest

from aiserver_tray.spec.labels import IMAGE_OF
from aiserver_tray.spec.model import Dependency

from .made import HEAD, TargetOf, service


def test_ports_are_on_the_apps_address_unless_the_file_names_one(target_of: TargetOf) -> None:
    (a,) = target_of(
        f"""{HEAD}
services: {{a: {{image: i, ports: ["${{PORT}}:80", "[::1]:81:81/udp", "82", "90-99:90"]}}}}
""",
        bind="10.0.0.1",
    ).services
    bindings = a.body["HostConfig"]["PortBindings"]
    assert bindings["80/tcp"] == [{"HostIp": "10.0.0.1", "HostPort": "18100"}]
    assert bindings["81/udp"] == [{"HostIp": "::1", "HostPort": "81"}]
    assert [(p.address, p.host, p.container, p.protocol) for p in a.ports] == [
        ("10.0.0.1", 18100, 80, "tcp"),
        ("::1", 81, 81, "udp"),
    ]
    assert a.port_settings == {18100: "m.PORT"}


@pytest.mark.parametrize(
    ("driver", "options", "size"),
    [
        ("local", "max-size: 10m", "50m"),
        ("json-file", "max-size: 100m", "100m"),
        ("json-file", "max-size: lots", "lots"),
        ("local", "max-file: '3'", None),
        ("syslog", "max-size: 10m", "10m"),
    ],
)
def test_a_log_file_has_the_least_size_where_the_module_limits_it(
    target_of: TargetOf, driver: str, options: str, size: str | None
) -> None:
    (a,) = target_of(
        f"""{HEAD}
services: {{a: {{image: i, logging: {{driver: {driver}, options: {{{options}}}}}}}}}
""",
        least_log_size="50m",
    ).services
    assert a.body["HostConfig"]["LogConfig"]["Config"].get("max-size") == size


@pytest.mark.parametrize(
    ("image", "local"),
    [
        ("redis:7.4", "aiserver/m/a-b:7.4"),
        ("registry:5000/team/app@sha256:" + "0" * 64, "aiserver/m/a-b:local"),
        ("", "aiserver/m/a-b:local"),
    ],
)
def test_a_local_build_has_a_name_and_a_label_of_ours(
    target_of: TargetOf, image: str, local: str
) -> None:
    (a,) = target_of(f"services: {{a-b: {{image: '{image}', build: .}}}}").services
    named: dict[str, dict[str, str]] = {image: {}} if image else {}
    assert a.image.candidates == {local: {IMAGE_OF: "home/m/a-b"}, **named}
    assert a.image.display_name == (image or local)


def test_no_two_local_builds_share_a_name(target_of: TargetOf) -> None:
    names = ["a", "a-b", "a_b", "A-b", "a--b", "a.b", "_", "__"]
    ambiguous = "a-b." + hashlib.sha256(b"a_b").hexdigest()[:32]
    services = ", ".join(f"{name}: {{build: .}}" for name in [*names, ambiguous])
    modules = ["m", "m-a", "m_a"]

    targets = [target_of(f"services: {{{services}}}", name=module) for module in modules]

    images = {s.image.display_name for target in targets for s in target.services}
    assert len(images) == len(modules) * (len(names) + 1)
    part = r"[a-z0-9]+(?:(?:\.|-+)[a-z0-9]+)*"
    assert all(re.fullmatch(f"aiserver/{part}/{part}:local", image) for image in images)


def test_a_build_is_reported_in_the_words_of_the_engines_request(
    target_of: TargetOf, tmp_path: Path
) -> None:
    (a,) = target_of("""
services:
  a:
    build:
      context: ./ctx
      dockerfile_inline: FROM scratch
      args: {A: "1", NOT_SET: }
      labels: {l: "1"}
      target: final
      no_cache: true
      pull: true
      network: host
      extra_hosts: ["h=10.0.0.1"]
      shm_size: 64m
      ulimits: {nofile: {soft: 1, hard: 2}}
      cache_from: [app:cache]
      tags: [app:1]
      platforms: [linux/amd64]
      isolation: default
""").services
    build = a.image.build
    assert build is not None
    assert (build.context, build.inline) == (str(tmp_path / "catalog/m/ctx"), "FROM scratch")
    assert build.options == {
        "buildargs": {"A": "1"},
        "labels": {"l": "1"},
        "target": "final",
        "nocache": True,
        "pull": True,
        "networkmode": "host",
        "extrahosts": ["h:10.0.0.1"],
        "shmsize": 64 * 2**20,
        "ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        "cachefrom": ["app:cache"],
        "t": ["app:1"],
        "platform": "linux/amd64",
        "isolation": "default",
    }


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ("x-aiserver: {ready_within: 5m}", 300),
        ("healthcheck: {test: x, start_period: 10s, interval: 2s, timeout: 3s, retries: 4}", 60),
        ("healthcheck: {test: x}", 210),
        ("healthcheck: {disable: true}", 30),
        ("init: true", 210),
    ],
)
def test_a_service_has_time_for_all_its_checks(
    target_of: TargetOf, keys: str, seconds: float
) -> None:
    assert target_of(f"services: {{a: {{image: i, {keys}}}}}").services[0].ready_within == seconds


def test_a_service_says_whether_it_is_a_job_may_run_several_times_and_how_long_it_stops(
    target_of: TargetOf,
) -> None:
    target = target_of("""
services:
  job: {image: i}
  web:
    image: i
    stop_grace_period: 1m30s
    depends_on: {job: {condition: service_completed_successfully}}
  alone: {image: i, x-aiserver: {job: true}}
  many: {image: i, x-aiserver: {scale: true}}
""")
    assert [(s.service, s.is_job, s.is_scalable, s.stop_grace) for s in target.services] == [
        ("job", True, False, 10),
        ("web", False, False, 90),
        ("alone", True, False, 10),
        ("many", False, True, 10),
    ]
    assert service(target, "job").ready_within == 3600


def test_dependencies_are_those_that_get_a_container(target_of: TargetOf) -> None:
    target = target_of("""
services:
  a:
    image: i
    network_mode: "service:c"
    depends_on:
      b: {condition: service_healthy, restart: true}
      c: {condition: service_started}
      off: {condition: service_started, required: false}
      none: {condition: service_started}
  b: {image: i}
  c: {image: i}
  off: {image: i, profiles: [p]}
  none: {image: i, scale: 0}
""")
    assert [s.service for s in target.services] == ["a", "b", "c"]
    assert service(target, "a").depends_on == (
        Dependency("b", "service_healthy", restart=True),
        # It shares the other's namespace, which is gone when that is made anew.
        Dependency("c", "service_started", restart=True, shares=True),
    )
    # A network mode may name a container of the module: it counts as its service.
    target = target_of("""
services:
  a: {image: i, network_mode: "container:ai-m-b", depends_on: [c]}
  b: {image: i, pid: "container:ai-m-b"}
  c: {image: i, network_mode: "container:other"}
""")
    shared = Dependency("b", "service_started", restart=True, shares=True)
    assert service(target, "a").depends_on == (Dependency("c", "service_started"), shared)
    assert [service(target, name).depends_on for name in "bc"] == [(), ()]


def test_hooks_are_the_bodies_of_execs(target_of: TargetOf) -> None:
    (a,) = target_of("""
services:
  a:
    image: i
    post_start:
      - {command: [a, b], user: root, privileged: true, working_dir: /w, environment: {A: 1}}
    pre_stop: [{command: sync}]
""").services
    assert a.post_start == (
        {
            "Cmd": ["a", "b"],
            "User": "root",
            "Privileged": True,
            "WorkingDir": "/w",
            "Env": ["A=1"],
            "AttachStdout": True,
            "AttachStderr": True,
        },
    )
    assert [h["Cmd"] for h in a.pre_stop] == [["sync"]]


SHARED_IMAGE = ("a: {image: mine:1}", "b: {image: mine:1, build: .}", "c: {image: other:1}")


@pytest.mark.parametrize("lines", [SHARED_IMAGE, SHARED_IMAGE[::-1]])
def test_a_service_shares_the_build_of_another_with_the_same_image(
    target_of: TargetOf, lines: tuple[str, ...]
) -> None:
    alone = target_of("services: {a: {image: mine:1}}")
    target = target_of("\n  ".join(["services:", *lines]))
    a, b, c = (service(target, name) for name in "abc")
    assert a.image == b.image
    assert [*b.image.candidates] == ["aiserver/m/b:1", "mine:1"]
    assert [*c.image.candidates] == ["other:1"]
    assert a.config_hash == service(alone, "a").config_hash, "how it is made is no part of it"


def test_pull_policy_applies_to_a_shared_build(target_of: TargetOf) -> None:
    target = target_of("""
services:
  a: {image: mine:1}
  always: {image: mine:1, pull_policy: always}
  other: {image: mine:1, platform: linux/arm64}
  builder: {image: mine:1, build: ., pull_policy: build}
""")
    policies = {s.service: s.image.pull_policy for s in target.services}
    assert policies == {"a": "build", "always": "always", "other": "", "builder": "build"}
    assert service(target, "other").image.build is None, "built for another platform"


def test_service_without_restart_and_ports_may_exit_in_a_plain_file(target_of: TargetOf) -> None:
    ending = """
services:
  plain: {image: i}
  "no": {image: i, restart: "no"}
  failing: {image: i, restart: "on-failure:3"}
  deployed: {image: i, restart: always, deploy: {restart_policy: {condition: on-failure}}}
  unchecked: {image: i, healthcheck: {disable: true}}
"""
    text = f"""{ending}
  always: {{image: i, restart: always}}
  stopped: {{image: i, restart: unless-stopped}}
  any: {{image: i, deploy: {{restart_policy: {{condition: any}}}}}}
  port: {{image: i, ports: ["80"]}}
  exposed: {{image: i, expose: ["80"]}}
  checked: {{image: i, healthcheck: {{test: "exit 0"}}}}
"""

    def found(text: str) -> set[str]:
        return {s.service for s in target_of(text).services if s.may_end}

    assert found(text) == {"plain", "no", "failing", "deployed", "unchecked"}
    assert found(f"x-aiserver: {{kind: feature}}\n{text}") == set(), "it says what is a job"
    assert found(ending) == set(), "nothing tells which of them is to last"
