"""What a module asks of the machine, and that it does not start before that is allowed."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from aiserver_tray.base.errors import CatalogError, TrustError
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.compose.resources import Network
from aiserver_tray.catalog.compose.service import Service
from aiserver_tray.catalog.consent import consent_to
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.catalog.permission_rules import RULES, harmless
from aiserver_tray.catalog.permissions import permissions
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core.app import App
from aiserver_tray.model import Actor
from aiserver_tray.operations.preflight.preflight import problems
from aiserver_tray.operations.prepare import prepare
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.operations.survey import Machine, Survey
from aiserver_tray.settings.content import Trusted
from aiserver_tray.spec.model import ModuleTarget
from tests.unit.module_folders import write

ACTOR = Actor("command", 1)
TOP = """
volumes:
  data: {}
  pool: {external: true}
  host: {driver: local, driver_opts: {type: tmpfs, o: bind, device: /etc}}
  share: {driver_opts: {type: nfs, device: ':/export'}}
  scratch: {driver_opts: {type: tmpfs, device: tmpfs}}
  layers: {driver_opts: {type: overlay, device: tmpfs, o: lowerdir=/etc}}
  other: {driver: rclone}
networks:
  ai-net: {external: true}
  lan: {external: true}
  host: {external: true, name: host}
  flat: {driver: macvlan}
  routed: {driver_opts: {com.docker.network.bridge.gateway_mode_ipv4: routed}}
  named: {driver_opts: {com.docker.network.bridge.name: eth0}}
  public: {ipam: {config: [{subnet: 9.9.9.0/24}]}}
  ipam: {ipam: {driver: dhcp}}
  quiet: {internal: true, driver_opts: {com.docker.network.bridge.enable_icc: "false"}}
"""


def asked(
    catalog_folder: Path, name: str = "m", *allowed: tuple[str, str]
) -> list[tuple[str, str]]:
    """What the module *name* asks for, as kind and subject, if *allowed* was allowed before."""
    catalog = load_catalog([catalog_folder / "none", catalog_folder])
    resolved = resolve(catalog, catalog.modules[name], {})
    found = permissions(catalog, resolved, allowed=allowed)
    return [(one.kind, one.subject) for one in found]


def service(*lines: str) -> str:
    keys = "".join(f"    {line}\n" for line in lines)
    return f"services:\n  web:\n    image: busybox:1\n{keys}{TOP}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("init: true", []),
        ("privileged: true", [("privileged", "web")]),
        ("post_start: [{command: ls, privileged: true}]", [("privileged", "web")]),
        ("cap_add: [NET_ADMIN]", [("capability", "NET_ADMIN")]),
        ("cap_add: [CAP_SYS_ADMIN, ALL]", [("capability", "ALL"), ("capability", "CAP_SYS_ADMIN")]),
        ("cap_drop: [ALL]", []),
        ("cap_add: [CHOWN, cap_setuid]", []),
        ("security_opt: ['no-new-privileges:true']", []),
        ("security_opt: [seccomp=unconfined]", [("security_option", "seccomp=unconfined")]),
        ("network_mode: host", [("namespace", "network")]),
        ("network_mode: none", []),
        ("network_mode: bridge", [("network", "bridge")]),
        ("external_links: [db:other]", [("container", "db")]),
        ("network_mode: 'container:db'", [("container", "db")]),
        ("networks: [host]", [("namespace", "network")]),
        ("networks: [lan]", [("network", "lan")]),
        ("networks: [ai-net, default]", [("shared_network", "ai-net")]),
        ("networks: [default]", []),
        ("networks: [flat]", [("network", "macvlan:m_flat")]),
        ("pid: host", [("namespace", "pid")]),
        ("ipc: host", [("namespace", "ipc")]),
        ("ipc: 'container:db'", [("container", "db")]),
        ("uts: host", [("namespace", "uts")]),
        ("userns_mode: host", [("namespace", "userns")]),
        ("cgroup: host", [("namespace", "cgroup")]),
        ("build: {context: ., network: host}", [("namespace", "network (build)")]),
        ("build: {context: ., tags: ['postgres:16']}", [("image", "postgres:16")]),
        ("build: {context: /srv}", [("file", "/srv")]),
        ("build: {context: ., dockerfile: /srv/Dockerfile}", [("file", "/srv/Dockerfile")]),
        ("devices: ['/dev/kvm']", [("device", "/dev/kvm")]),
        ("device_cgroup_rules: ['c 1:3 mr']", [("device", "c 1:3 mr")]),
        ("gpus: all", [("device", "gpu")]),
        ("ports: ['8080:80']", []),
        ("ports: ['127.0.0.1:8080:80']", []),
        ("ports: ['0.0.0.0:8080:80']", [("port", "0.0.0.0")]),
        ("volumes: ['data:/d', './own:/own:ro', '/anonymous']", []),
        ("volumes: ['./own:/own']", [("bind", "FOLDER/own")]),
        ("volumes: ['.:/own']", [("bind", "FOLDER"), ("own_file", "FOLDER/compose.yaml")]),
        (
            "volumes: ['./compose.yaml:/c']",
            [("bind", "FOLDER/compose.yaml"), ("own_file", "FOLDER/compose.yaml")],
        ),
        ("volumes: ['./a:/a', './a/b:/b:ro']", [("bind", "FOLDER/a"), ("host", "FOLDER/a/b")]),
        (
            "volumes: ['/srv:/s:ro', '/srv/A:/a', '/srv/a/b:/b:ro']",
            [("bind", "/srv/A"), ("bind_read_only", "/srv"), ("host", "/srv/a/b")],
        ),
        ("volumes: ['/:/host']", [("engine", "/")]),
        ("volumes: ['/run:/run']", [("engine", "/run")]),
        # A socket can be used in a folder that can only be read.
        ("volumes: ['/run:/run:ro']", [("engine", "/run")]),
        ("volumes: ['/:/host:ro']", [("engine", "/")]),
        ("volumes: ['/var/lib:/l:ro']", [("bind_read_only", "/var/lib")]),
        # Its own container writes there.
        (
            "volumes: ['data:/d', '/var/lib/docker/volumes/ai-m-data/_data/x:/x:ro']",
            [("host", "/var/lib/docker/volumes/ai-m-data/_data/x")],
        ),
        (
            "volumes: [{type: bind, source: /srv, target: /s, bind: {propagation: rshared}}]",
            [("bind", "/srv"), ("option", "propagation=rshared")],
        ),
        ("volumes: ['./own:/own:ro,Z']", [("security_option", "selinux=Z")]),
        ("volumes: [{type: cluster, source: c, target: /c}]", [("volume", "cluster:c")]),
        ("logging: {driver: local, options: {max-size: 10m}}", []),
        (
            "logging: {driver: gelf, options: {gelf-address: 'udp://127.0.0.1:1'}}",
            [("log", "gelf")],
        ),
        ("annotations: {a: b}", [("option", "a=b")]),
        ("cgroup_parent: /system.slice", [("option", "cgroup_parent=/system.slice")]),
        ("oom_score_adj: -500", [("option", "oom_score_adj=-500")]),
        ("oom_score_adj: 500", []),
        ("oom_kill_disable: true", [("option", "oom_kill_disable=True")]),
        ("cpu_rt_runtime: 1000", [("option", "cpu_rt_runtime=1000")]),
        ("isolation: process", [("security_option", "isolation=process")]),
        ("storage_opt: {size: 1G}", []),
        ("storage_opt: {overlay2.size: 1G}", [("option", "overlay2.size=1G")]),
        ("sysctls: {net.core.somaxconn: 1024, kernel.shmmax: 1}", []),
        ("sysctls: {vm.swappiness: 1}", [("option", "vm.swappiness")]),
        ("pid: 'container:db'", [("container", "db")]),
        ("ipc: shareable", []),
        ("ipc: odd", [("namespace", "odd")]),
        (
            "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
            [("device", "gpu")],
        ),
        ("networks: [named]", [("option", "com.docker.network.bridge.name=eth0")]),
        ("networks: [public]", [("addresses", "9.9.9.0/24")]),
        ("networks: [ipam]", [("network", "ipam:dhcp")]),
        ("networks: [quiet]", []),
        (
            "networks: {default: {driver_opts: {com.docker.network.endpoint.ifname: x}}}",
            [("option", "com.docker.network.endpoint.ifname=x")],
        ),
        ("build: {context: ., isolation: process}", [("security_option", "isolation=process")]),
        ("pre_stop: [{command: ls, privileged: true}]", [("privileged", "web")]),
        ("volumes: ['scratch:/d']", []),
        ("volumes: ['/run/docker.sock:/s:ro']", [("engine", "/run/docker.sock")]),
        ("volumes: ['pool:/d']", [("volume", "pool")]),
        ("volumes: ['host:/d']", [("bind", "/etc")]),
        ("volumes: ['share:/d']", [("volume", "nfs :/export")]),
        ("volumes: ['layers:/d']", [("volume", "overlay tmpfs lowerdir=/etc")]),
        ("networks: [routed]", [("port", "m_routed")]),
        ("runtime: nvidia", [("security_option", "runtime=nvidia")]),
        ("volumes: ['other:/d']", [("volume", "rclone:m_other")]),
        ("volumes_from: ['container:db:ro']", [("container", "db")]),
    ],
)
def test_each_request_to_the_machine_is_listed(
    tmp_path: Path, line: str, expected: Sequence[tuple[str, str]]
) -> None:
    folder = write(tmp_path, "m", service(line))
    named = [(kind, subject.replace("FOLDER", str(folder))) for kind, subject in expected]
    assert asked(tmp_path) == sorted(named)


def test_files_outside_of_the_folder_are_listed(tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    for name in ("a.env", "b.labels", "c.conf", "d.key", "own.link"):
        (outside / name).write_text("A=1\n", encoding="utf-8")
    (outside / "base.yaml").write_text("services: {s: {init: true}}\n", encoding="utf-8")
    (outside / "more.yaml").write_text("services: {o: {image: 'i:1'}}\n", encoding="utf-8")
    text = f"""
include: [{{path: {outside}/more.yaml, env_file: {outside}/a.env}}]
services:
  web:
    image: busybox:1
    extends: {{file: ../elsewhere/base.yaml, service: s}}
    env_file: [own.env]
    label_file: [{outside}/b.labels]
    configs: [conf, own, folder]
    secrets: [key]
configs:
  conf: {{file: ../elsewhere/c.conf}}
  own: {{file: ./own.conf}}
  folder: {{file: ./folder}}
secrets: {{key: {{file: {outside}/d.key}}}}
"""
    folder = write(tmp_path, "m", text)
    (folder / "own.env").write_text("A=1\n", encoding="utf-8")
    (folder / "own.conf").write_text("", encoding="utf-8")
    (folder / "folder").mkdir()
    (folder / "folder/link").symlink_to(outside / "own.link")
    names = ("a.env", "b.labels", "base.yaml", "c.conf", "d.key", "more.yaml", "own.link")
    assert asked(tmp_path) == [("file", str(outside / name)) for name in names]


def test_a_link_in_the_folder_counts_as_the_folder_that_it_leads_to(tmp_path: Path) -> None:
    folder = write(tmp_path, "m", service("volumes: ['./data:/d', './own/../../up:/u']"))
    (folder / "data").symlink_to("/srv")
    assert asked(tmp_path) == sorted([("bind", "/srv"), ("bind", f"{tmp_path}/up")])
    (tmp_path / "other.env").write_text("A=1\n", encoding="utf-8")
    (folder / ".env").symlink_to(tmp_path / "other.env")
    assert ("file", str(tmp_path / "other.env")) in asked(tmp_path)


def test_a_folder_that_may_have_become_a_link_counts_as_any_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path, "m", service("volumes: ['./a/b:/b:ro']"))
    assert asked(tmp_path) == []
    any_file = [("host", f"{folder}/a/b")]
    # A container of the module as it was before, which stops only after the question, can do it.
    assert asked(tmp_path, "m", ("bind", f"{folder}/a")) == any_file
    app = App(tmp_path / "home", [tmp_path])
    app.settings.trust("m", Trusted(str(folder), [["bind", f"{folder}/a"]]))
    assert app.preview("m").untrusted is not None
    app.targets.trust("m", actor=ACTOR)
    assert app.preview("m").untrusted is None, "it is not asked again as another"
    followed = os.path.realpath

    def refuse(path: str, *, strict: bool = False) -> str:
        """As in a folder of another user. Nothing refuses the administrator, who runs tests."""
        if strict:
            raise PermissionError(path)
        return followed(path)

    monkeypatch.setattr("aiserver_tray.catalog.permissions.os.path.realpath", refuse)
    assert asked(tmp_path) == any_file


def test_an_action_is_asked_for_with_its_command(tmp_path: Path) -> None:
    action = "{title: A, service: web, command: [sh, -c, 'rm $$HOME']}"
    write(
        tmp_path, "m", service() + f"x-aiserver: {{kind: feature, actions: {{clear: {action}}}}}\n"
    )
    assert asked(tmp_path) == [("action", "clear (web): sh -c 'rm $HOME'")]


def test_the_command_that_looks_for_an_account_is_asked_for_and_again_when_it_changes(
    tmp_path: Path,
) -> None:
    access = "{port: 80, host: m-web, first_account: {service: web, command: [sh, -c, 'test $$X']}}"
    text = service("container_name: m-web") + f"x-aiserver: {{kind: feature, access: {access}}}\n"
    folder = write(tmp_path, "m", text)
    mine = ("account_check", "(web) sh -c 'test $X'")
    assert mine in asked(tmp_path)
    app = App(tmp_path / "home", [tmp_path])
    app.targets.trust("m", actor=ACTOR)
    app.targets.check_trust("m")
    file = folder / "compose.yaml"
    file.write_text(file.read_text().replace("test $$X", "rm -rf /"))
    with pytest.raises(TrustError):
        App(tmp_path / "home", [tmp_path]).targets.check_trust("m")


@pytest.mark.parametrize("shared", [True, False])
def test_a_secret_of_a_required_module_has_to_be_shared(tmp_path: Path, *, shared: bool) -> None:
    mark = "shared: true, " if shared else ""
    base = f"x-aiserver: {{kind: basic, settings: {{KEY: {{{mark}type: secret}}}}}}\n"
    write(tmp_path, "base", base + "services: {b: {image: 'b:1'}}\n")
    used = "services:\n  web: {image: 'i:1', environment: {K: '${KEY}'}}\n"
    write(
        tmp_path,
        "user",
        "x-aiserver: {kind: feature, requires: [base]}\nservices: {u: {image: 'u:1'}}\n",
    )
    folder = write(tmp_path, "m", "x-aiserver: {kind: feature, requires: [base]}\n" + used)
    if shared:
        assert asked(tmp_path) == [("secret", "base.KEY")]
        assert asked(tmp_path, "user") == [], "it does not use it"
        (folder / "own.env").write_text("K=${KEY}\n", encoding="utf-8")
        file = folder / "compose.yaml"
        file.write_text(file.read_text().replace("environment: {K: '${KEY}'}", "env_file: own.env"))
        assert asked(tmp_path) == [("secret", "base.KEY")], "by a file that it names"
        return
    with pytest.raises(CatalogError) as refused:
        asked(tmp_path)
    (problem,) = refused.value.problems
    place = (problem.place.file, problem.place.line, problem.place.key)
    assert place == (folder / "compose.yaml", 3, "services.web.environment.K")
    assert "base, which does not share it" in problem.text.render()


def test_an_env_file_gets_no_secret_that_is_not_shared(tmp_path: Path) -> None:
    base = "x-aiserver: {kind: basic, settings: {KEY: {type: secret}}}\n"
    write(tmp_path, "base", base + "services: {b: {image: 'b:1'}}\n")
    used = "services:\n  web: {image: 'i:1', env_file: own.env}\n"
    folder = write(tmp_path, "m", "x-aiserver: {kind: feature, requires: [base]}\n" + used)
    (folder / "own.env").write_text("K=${KEY:-none}\n", encoding="utf-8")
    catalog = load_catalog([tmp_path / "none", tmp_path])
    resolved = resolve(catalog, catalog.modules["m"], {"base.KEY": "s3cret"})
    assert resolved.project.services["web"].environment == {"K": "none"}


def test_a_built_in_module_asks_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "m", service("privileged: true"))
    catalog = load_catalog([tmp_path])
    assert permissions(catalog, resolve(catalog, catalog.modules["m"], {})) == ()


def test_the_question_says_what_the_module_does(tmp_path: Path) -> None:
    write(tmp_path, "base", "x-aiserver: {kind: basic}\nservices: {b: {image: 'b:1'}}\n")
    text = """
x-aiserver: {kind: feature, requires: [base], needs: {sysctls: {vm.max_map_count: 262144}}}
services:
  web: {build: ., network_mode: none}
  no: {image: 'i:1', network_mode: none, scale: 0, ports: [{target: 8, published: '1 of nothing'}]}
"""
    write(tmp_path, "m", text)
    catalog = load_catalog([tmp_path / "none", tmp_path])
    consent = consent_to(catalog, resolve(catalog, catalog.modules["m"], {}), "127.0.0.1")
    assert consent is not None
    assert [str(deed.text) for deed in consent.does] == [
        "runs 2 containers: web and no",
        "starts the module base, which it uses",
        "uses the internet and your network",  # while its image is built
        "publishes port → 8, on this computer only",
    ]
    assert [one.key for one in consent.asks] == [("kernel", "vm.max_map_count=262144")]


def test_a_module_can_ask_for_very_much(tmp_path: Path) -> None:
    many = ", ".join(f"a{number}: b" for number in range(3000))
    write(tmp_path / "catalog", "m", service(f"annotations: {{{many}}}"))
    refused = App(tmp_path / "home", [tmp_path / "catalog"]).preview("m").untrusted
    assert refused is not None
    lines = refused.render().splitlines()
    assert lines[1:3] == ["What it does:", "- runs 1 container: web"]
    assert sum(line.startswith("- can use the option a") for line in lines) == 3000


def test_the_hash_changes_with_the_list_and_the_folder_only(tmp_path: Path) -> None:
    write(tmp_path, "m", service())
    catalog = load_catalog([tmp_path / "none", tmp_path])
    consent = consent_to(catalog, resolve(catalog, catalog.modules["m"], {}), "127.0.0.1")
    assert consent is not None
    one, two = Permission("bind", "/srv"), Permission("bind_read_only", "/srv")
    same = replace(consent, asks=(one,)), replace(consent, asks=(replace(one, services=("s",)),))
    assert same[0].hash == same[1].hash
    lists: list[tuple[Permission, ...]] = [(), (one,), (two,), (one, two)]
    found = [replace(consent, asks=asked).hash for asked in lists]
    moved = replace(consent, asks=(one,), folder="/elsewhere")
    assert len({*found, moved.hash}) == 5


def test_every_key_of_a_compose_file_has_a_rule() -> None:
    found = {"Service": Service}
    todo: list[Any] = [Service, Network]
    while todo:
        section = todo.pop()
        rules = RULES[section.__name__]
        assert rules.keys() == section.model_fields.keys(), section.__name__
        for name, rule in rules.items():
            inner = list(sections_in(section.model_fields[name].annotation))
            if rule is not harmless:
                todo += [
                    one for one in inner if one.__name__ not in found and one.__name__ in RULES
                ]
        found[section.__name__] = section
    assert found.keys() == RULES.keys()


def sections_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type
    """The sections of a Compose file in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections_in(inner)


KEYS = (
    "privileged: true", "cap_add: [NET_ADMIN]", "pid: host", "ipc: host", "init: true",
    "network_mode: host", "networks: [lan]", "networks: [ai-net]", "volumes: ['/srv:/srv']",
    "volumes: ['.:/m', './d:/d:ro']", "devices: ['/dev/kvm']", "read_only: true", "user: '0'",
    "logging: {driver: syslog}", "external_links: [db]", "ports: ['0.0.0.0:1:1']", "tty: true",
    "build: {context: /srv}", "sysctls: {vm.x: 1}", "annotations: {a: b}", "restart: always",
    "userns_mode: host", "cgroup: host", "uts: host", "runtime: other", "gpus: all",
)  # fmt: skip


@settings(max_examples=60)
@given(keys=st.lists(st.sampled_from(KEYS), unique_by=lambda key: key.partition(":")[0]))
def test_no_key_hides_what_another_one_asks_for(keys: list[str]) -> None:
    with TemporaryDirectory() as folder:
        write(Path(folder), "m", service(*keys))
        try:
            found = asked(Path(folder))
        except CatalogError:  # such as a network together with `network_mode`
            return
        for number, key in enumerate(keys):
            write(Path(folder), f"n{number}", service(key))
            alone = {
                (k, s.replace(f"/n{number}", "/m")) for k, s in asked(Path(folder), f"n{number}")
            }
            assert alone <= set(found), key


def test_a_permission_is_one_line_whatever_the_file_says() -> None:
    assert "\n" not in Permission("bind", "/srv\n- nothing").text.render()


def app_with(tmp_path: Path, *lines: str) -> App:
    folder = tmp_path / "catalog/m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compose.yaml").write_text(service(*lines), encoding="utf-8")
    return App(tmp_path / "home", [folder.parent])


def test_a_module_is_asked_about_at_first_and_when_its_list_grows(tmp_path: Path) -> None:
    app = app_with(tmp_path, "cap_add: [NET_ADMIN]")
    error = app.target("m").untrusted
    assert error is not None
    assert "use the capability NET_ADMIN" in error.render()
    assert "权能" in error.render("zh")
    trust = error.data["remedies"][0]
    (permission,) = trust["permissions"]
    assert (permission["kind"], permission["subject"]) == ("capability", "NET_ADMIN")
    assert (permission["services"], permission["isNew"]) == (["web"], False)
    assert [deed["kind"] for deed in trust["consent"]["does"]] == ["containers", "internet"]

    app.targets.trust("m", trust["hash"], actor=ACTOR)
    assert app_with(tmp_path, "cap_add: [NET_ADMIN]").target("m").untrusted is None
    changed = app_with(tmp_path, "cap_add: [NET_ADMIN, SYS_ADMIN]")
    error = changed.target("m").untrusted
    assert error is not None
    listed = error.data["remedies"][0]["permissions"]
    assert [(one["subject"], one["isNew"]) for one in listed] == [
        ("NET_ADMIN", False), ("SYS_ADMIN", True),
    ]  # fmt: skip
    assert changed.preview("m").untrusted is not None
    changed.targets.trust("m", actor=ACTOR)
    assert changed.target("m").untrusted is None
    assert app_with(tmp_path).target("m").untrusted is None, "it asks for less"
    changed.targets.distrust("m", actor=ACTOR)
    assert app_with(tmp_path).target("m").untrusted is not None


def test_a_module_that_asks_for_nothing_is_asked_about_once(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    error = app.target("m").untrusted
    assert error is not None
    assert "It stays within its own containers." in error.render()
    app.targets.trust("m", error.data["remedies"][0]["hash"], actor=ACTOR)
    assert app_with(tmp_path).target("m").untrusted is None


def test_an_answer_of_an_earlier_version_is_asked_for_once_more(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    assert app.settings.trusted("m") is None
    file = tmp_path / "home/settings.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"version": 1, "trusted": {"m": "0123abcd"}}', encoding="utf-8")
    assert app_with(tmp_path).target("m").untrusted is not None


@pytest.mark.parametrize("kind", ["pull", "build"])
def test_images_of_a_module_that_is_not_trusted_are_left_alone(tmp_path: Path, kind: Any) -> None:  # noqa: ANN401
    target = app_with(tmp_path, "build: /srv").target("m")
    parts = cast("Any", SimpleNamespace())
    with pytest.raises(TrustError):
        prepare(Request(kind, ("m",)), Scope(("m",), ("m",), {"m": target}), parts)
    trusted: ModuleTarget = replace(target, untrusted=None)
    plan = prepare(Request(kind, ("m",)), Scope(("m",), ("m",), {"m": trusted}), parts).plan
    assert len(plan) == 1


def test_an_up_is_blocked_by_what_is_not_trusted(tmp_path: Path) -> None:
    target = app_with(tmp_path, "cap_add: [NET_ADMIN]").target("m")
    machine = Machine(memory=2**40)
    assert problems([target], Survey("ID"), machine) == [target.untrusted]
    assert problems([replace(target, untrusted=None)], Survey("ID"), machine) == []


def test_a_file_that_is_swapped_while_it_is_read_is_judged_by_what_was_read(tmp_path: Path) -> None:
    secret = tmp_path / "outside.txt"
    secret.write_text("secret", encoding="utf-8")
    app = app_with(tmp_path, "configs: [c]")
    folder = tmp_path / "catalog/m"
    file = folder / "compose.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "configs: {c: {file: ./c}}\n", "utf-8")
    (folder / "own").write_text("own", encoding="utf-8")
    app.refresh_catalog()
    (folder / "c").symlink_to("own")
    done, read = Event(), set[bytes]()

    def swap() -> None:
        for target in cycle(["own", str(secret)]):
            if done.is_set():
                return
            (folder / "new").symlink_to(target)
            (folder / "new").replace(folder / "c")

    swapping = Thread(target=swap)
    swapping.start()
    try:
        reads = 0
        while reads < 300 or len(read) < 2:  # a busy machine lets the other thread wait
            reads += 1
            target = app.preview("m")
            content = target.services[0].files[0].content
            read.add(content)
            assert target.consent is not None
            subjects = {one.subject for one in target.consent.asks if one.kind == "file"}
            assert content == b"own" or str(secret) in subjects
    finally:
        done.set()
        swapping.join()
    assert read == {b"own", b"secret"}, "it was swapped"
