"""What a module's target holds beyond what the engine's own answers prove (tests/engine)."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.errors import CatalogError
from aiserver_tray.target.build import module_target
from aiserver_tray.target.labels import MODULE, Owner
from aiserver_tray.target.model import Dependency, ModuleTarget, ServiceTarget
from aiserver_tray.target.mounts import with_image_volumes

SECRET = "made-up-secret-value"
HEAD = """
x-aiserver:
  kind: feature
  settings:
    PORT: {type: port, default: 18100}
    KEY: {type: secret, generate: hex32}
"""
FILE = f"""{HEAD}
services:
  web:
    image: web:1
    environment: {{KEY: "${{KEY}}", B: b, A: a}}
    ports: ["${{PORT}}:80"]
    configs: [{{source: conf, target: /etc/web.conf}}]
    labels: {{com.example: label}}
configs: {{conf: {{file: ./web.conf}}}}
"""

TargetOf = Callable[..., ModuleTarget]


@pytest.fixture
def target_of(tmp_path: Path) -> TargetOf:
    """The target of the module ``m``, or *name*, whose Compose file is *text*."""
    folder = tmp_path / "catalog/m"
    folder.mkdir(parents=True)
    (folder / "web.conf").write_text("content", encoding="utf-8")

    def make(
        text: str,
        *,
        name: str = "m",
        owner: Owner | None = None,
        bind: str = "127.0.0.1",
        values: Mapping[str, str] | None = None,
    ) -> ModuleTarget:
        module = folder.with_name(name)
        module.mkdir(exist_ok=True)
        (module / "compose.yaml").write_text(text, encoding="utf-8")
        catalog = load_catalog([folder.parent])
        given = {**catalog.defaults, "m.KEY": SECRET, **(values or {})}
        resolved = resolve(catalog, catalog.module(name), given)
        return module_target(resolved, owner or Owner("home", "1.0"), bind=bind, values=given)

    return make


def service(target: ModuleTarget, name: str) -> ServiceTarget:
    return next(s for s in target.services if s.service == name)


# -- the hash ------------------------------------------------------------------------------------


def test_the_same_input_gives_the_same_hash(target_of: TargetOf) -> None:
    assert target_of(FILE).services[0].config_hash == target_of(FILE).services[0].config_hash


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("B: b, A: a", "A: a, B: b"),
        ("image: web:1", "image: web:1\n    build: {context: .}"),
        ("services:", "services:\n  other: {image: other}"),
        ("image: web:1", "image: web:1\n    x-note: {a: 1}"),
    ],
    ids=["order of variables", "how it is built", "another service", "an extension"],
)
def test_what_makes_no_other_container_keeps_the_hash(
    target_of: TargetOf, before: str, after: str
) -> None:
    changed = service(target_of(FILE.replace(before, after)), "web")
    assert changed.config_hash == service(target_of(FILE), "web").config_hash


def test_whose_it_is_and_which_version_made_it_keep_the_hash(target_of: TargetOf) -> None:
    other = target_of(FILE, owner=Owner("elsewhere", "2.0")).services[0]
    mine = target_of(FILE).services[0]
    assert other.config_hash == mine.config_hash
    assert other.body["Labels"] != mine.body["Labels"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("image: web:1", "image: web:2"),
        ("B: b", "B: c"),
        ("com.example: label", "com.example: other"),
        ("target: /etc/web.conf", "target: /etc/other.conf"),
        ("image: web:1", "image: web:1\n    mem_limit: 1g"),
        ("image: web:1", "image: web:1\n    platform: linux/arm64"),
    ],
)
def test_another_configuration_has_another_hash(
    target_of: TargetOf, before: str, after: str
) -> None:
    changed = target_of(FILE.replace(before, after)).services[0]
    assert changed.config_hash != target_of(FILE).services[0].config_hash


@pytest.mark.parametrize(
    "change",
    [
        {"values": {"m.KEY": "made-up-other-secret"}},
        {"values": {"m.PORT": "18101"}},
        {"bind": "0.0.0.0"},
    ],
    ids=["secret", "port", "address"],
)
def test_another_value_has_another_hash(target_of: TargetOf, change: dict[str, object]) -> None:
    changed = target_of(FILE, **change).services[0]
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


def test_a_container_name_is_an_alias_where_only_the_module_is(target_of: TargetOf) -> None:
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
        "com.docker.compose.project": "aiserver-m",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
        "com.docker.compose.oneoff": "False",
        "com.docker.compose.config-hash": web.config_hash,
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("net", "services: {a: {image: i}}"),
        (
            "m",
            """
services:
  a: {image: i, read_only: true, configs: [{source: c, target: /etc/a/c}], volumes: ["a-config:/x"]}
configs: {c: {content: x}}
volumes: {a-config: }
""",
        ),
    ],
)
def test_two_things_of_one_name_are_an_error(target_of: TargetOf, name: str, text: str) -> None:
    with pytest.raises(CatalogError, match="two things on the engine"):
        target_of(text, name=name)


# -- volumes and files ---------------------------------------------------------------------------


def test_volumes_without_a_name_get_one_each(target_of: TargetOf) -> None:
    target = target_of(
        "services: {a: {image: i, volumes: [/a/b, /a-b]}, b: {image: i, volumes: [/a/b]}}"
    )
    names = [name for s in target.services for name in s.volumes]
    assert len(set(names)) == 3
    assert all(name.startswith(("ai-m-a-a-b-", "ai-m-b-a-b-")) for name in names)
    assert {v.name for v in target.volumes} == set(names)
    assert all(v.body["Labels"]["io.aiserver.module"] == "m" for v in target.volumes)


def test_what_an_image_declares_to_hold_data_gets_a_volume_with_a_name(
    target_of: TargetOf,
) -> None:
    text = f"""{HEAD}
services:
  web:
    image: web:1
    volumes: ["data:/data/", 'C:\\work:/work', "/a/b"]
    tmpfs: /tmp
volumes: {{data: {{}}}}
"""
    (web,) = target_of(text).services
    declared = ("/data", "/work", "/tmp", "/a/b", "/shared", "/var/lib/web/", "/cache")
    body, volumes = with_image_volumes(web, declared, ["/shared"], {"keep": "it"})
    mounts = {mount["Target"]: mount["Source"] for mount in body["HostConfig"]["Mounts"]}
    new = {mounts["/var/lib/web"], mounts["/cache"]}
    assert {volume.name for volume in volumes} == new
    assert mounts.keys() == {"/data", "/a/b", "/var/lib/web", "/cache"}
    for volume in volumes:
        assert volume.body["Labels"].items() >= {MODULE: "m", "keep": "it"}.items()


def test_files_of_a_read_only_service_go_to_volumes_at_their_folders(target_of: TargetOf) -> None:
    target = target_of("""
services:
  a:
    image: i
    read_only: true
    configs:
      - {source: c, target: /etc/a/one}
      - {source: c, target: /etc/a/two}
      - {source: c, target: /data/c}
    secrets: [s]
    volumes: [data:/data]
configs: {c: {content: x}}
secrets: {s: {file: ./web.conf}}
volumes: {data: }
""")
    (a,) = target.services
    mounts = {m["Target"]: m["Source"] for m in a.body["HostConfig"]["Mounts"]}
    assert mounts == {
        "/data": "ai-m-data",
        "/etc/a": "ai-m-a-config",
        "/run/secrets": "ai-m-a-config-2",
    }
    assert a.volumes == ("ai-m-data",)
    assert a.config_volumes == ("ai-m-a-config", "ai-m-a-config-2")
    assert {v.name for v in target.volumes} == {*a.volumes, *a.config_volumes}


@pytest.mark.parametrize(
    "service_keys",
    [
        "read_only: true, configs: [c]",
        "configs: [{source: c, target: /d/c}], volumes: ['data:/d:ro']",
    ],
)
def test_a_file_where_nothing_can_be_written_is_an_error(
    target_of: TargetOf, service_keys: str
) -> None:
    with pytest.raises(CatalogError, match=r"compose.yaml:2: services\.a: expected a target in"):
        target_of(f"""
services: {{a: {{image: i, {service_keys}}}}}
configs: {{c: {{content: x}}}}
volumes: {{data: }}
""")


def test_files_have_content_owner_and_mode(target_of: TargetOf, tmp_path: Path) -> None:
    folder = tmp_path / "catalog/m/folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/script").write_text("run", encoding="utf-8")
    (folder / "sub/script").chmod(0o700)
    # Not every system can mark a file as executable.
    mode = 0o444 | (folder / "sub/script").stat().st_mode & 0o111
    target = target_of(f"""{HEAD}
services:
  a:
    image: i
    configs:
      - {{source: text, target: /etc/text, uid: "7", gid: "8", mode: 0400}}
      - {{source: folder, target: /etc/folder}}
      - {{source: variable, target: relative}}
    secrets: [plain, {{source: plain, target: renamed}}]
configs:
  text: {{content: "price=$$5\\r\\n"}}
  folder: {{file: ./folder}}
  variable: {{environment: KEY}}
secrets: {{plain: {{file: ./web.conf}}}}
""")
    found = {f.path: (f.content, f.uid, f.gid, f.mode) for f in target.services[0].files}
    assert found == {
        "/etc/text": (b"price=$5\r\n", 7, 8, 0o400),
        "/etc/folder/sub/script": (b"run", 0, 0, mode),
        "/relative": (SECRET.encode(), 0, 0, 0o444),
        "/run/secrets/plain": (b"content", 0, 0, 0o444),
        "/run/secrets/renamed": (b"content", 0, 0, 0o444),
    }


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("configs: {c: {file: ./missing}}", "there is no such file"),
        ("configs: {c: {environment: NOT_SET}}", "a value of the variable NOT_SET"),
        ("configs: {c: {content: x, template_driver: golang}}", "can't be honoured"),
    ],
)
def test_a_file_that_cannot_be_had_is_an_error(
    target_of: TargetOf, resource: str, message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        target_of(f"services: {{a: {{image: i, configs: [c]}}}}\n{resource}")


def test_an_owner_that_is_no_number_is_an_error(target_of: TargetOf) -> None:
    with pytest.raises(CatalogError, match="the number of a user"):
        target_of(
            "services: {a: {image: i, configs: [{source: c, uid: root}]}}\n"
            "configs: {c: {content: x}}"
        )


@pytest.mark.parametrize(
    ("option", "message"),
    [("nonsense", "expected an option"), ("seccomp=./web.conf", "a seccomp profile in JSON")],
)
def test_a_wrong_security_option_is_an_error(
    target_of: TargetOf, option: str, message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        target_of(f"services: {{a: {{image: i, security_opt: ['{option}']}}}}")


# -- ports, images, times, dependencies ----------------------------------------------------------


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
    ("image", "local"),
    [
        ("image: redis:7.4", "aiserver/m-a-b:7.4"),
        ("image: registry:5000/team/app@sha256:" + "0" * 64, "aiserver/m-a-b:local"),
        ("build: .", "aiserver/m-a-b:local"),
    ],
)
def test_a_local_build_has_a_name_of_ours(target_of: TargetOf, image: str, local: str) -> None:
    (a,) = target_of(f"services: {{A_b: {{{image}}}}}").services
    assert a.image.local == local
    assert a.image.name == (image.removeprefix("image: ") if image.startswith("image") else None)


def test_a_build_is_told_in_the_words_of_the_engines_request(
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


def test_a_job_is_what_others_wait_to_succeed(target_of: TargetOf) -> None:
    target = target_of("""
services:
  job: {image: i}
  web:
    image: i
    stop_grace_period: 1m30s
    depends_on: {job: {condition: service_completed_successfully}}
""")
    assert [(s.service, s.is_job, s.stop_grace) for s in target.services] == [
        ("job", True, 10),
        ("web", False, 90),
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
        Dependency("c", "service_started", restart=True),
    )


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


def test_what_cannot_be_honoured_is_refused_with_its_place(target_of: TargetOf) -> None:
    with pytest.raises(CatalogError, match=r"compose.yaml:3: services\.a\.scale"):
        target_of("services:\n  a:\n    scale: 2\n    image: i\n")


SHARED_IMAGE = ("a: {image: mine:1}", "b: {image: mine:1, build: .}", "c: {image: other:1}")


@pytest.mark.parametrize("lines", [SHARED_IMAGE, SHARED_IMAGE[::-1]])
def test_a_service_shares_the_build_of_another_with_the_same_image(
    target_of: TargetOf, lines: tuple[str, ...]
) -> None:
    alone = target_of("services: {a: {image: mine:1}}")
    target = target_of("\n  ".join(["services:", *lines]))
    a, b, c = (service(target, name) for name in "abc")
    assert a.image == b.image
    assert b.image.local == "aiserver/m-b:1"
    assert (c.image.local, c.image.build) == ("aiserver/m-c:1", None)
    assert a.config_hash == service(alone, "a").config_hash, "how it is made is no part of it"


def test_what_a_file_says_of_pulling_holds_for_a_shared_build_too(target_of: TargetOf) -> None:
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


def test_a_job_that_nobody_waits_for_says_so(target_of: TargetOf) -> None:
    target = target_of("services: {a: {image: i, x-aiserver: {job: true}}, b: {image: i}}")
    assert [(s.service, s.is_job) for s in target.services] == [("a", True), ("b", False)]
