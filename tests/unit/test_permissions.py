"""What a module asks of the machine, and that it does not start before that is allowed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import CatalogError, TrustError
from aiserver_tray.catalog.catalog import load_catalog
from aiserver_tray.catalog.permissions import Permission, fingerprint, permissions
from aiserver_tray.catalog.resolve import resolve
from aiserver_tray.core.app import App
from aiserver_tray.model import Actor
from aiserver_tray.operations.preflight.preflight import problems
from aiserver_tray.operations.prepare import prepare
from aiserver_tray.operations.request import Request
from aiserver_tray.operations.scope import Scope
from aiserver_tray.operations.survey import Machine, Survey
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
"""


def asked(catalog_folder: Path, name: str = "m") -> list[tuple[str, str]]:
    """What the module *name* asks for, as kind and subject."""
    catalog = load_catalog([catalog_folder / "none", catalog_folder])
    found = permissions(catalog, resolve(catalog, catalog.modules[name], {}))
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
        ("network_mode: 'container:db'", [("container", "db")]),
        ("networks: [host]", [("namespace", "network")]),
        ("networks: [lan]", [("network", "lan")]),
        ("networks: [ai-net, default]", []),
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
        ("volumes: ['data:/d', './own:/own', '/anonymous']", []),
        ("volumes: ['scratch:/d']", []),
        ("volumes: ['/srv:/srv']", [("bind", "/srv")]),
        ("volumes: ['/srv:/srv:ro']", [("bind_read_only", "/srv")]),
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
    write(tmp_path, "m", service(line))
    assert asked(tmp_path) == list(expected)


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
    assert asked(tmp_path) == [("bind", "/srv"), ("bind", f"{tmp_path}/up")]
    (tmp_path / "other.env").write_text("A=1\n", encoding="utf-8")
    (folder / ".env").symlink_to(tmp_path / "other.env")
    assert ("file", str(tmp_path / "other.env")) in asked(tmp_path)


@pytest.mark.parametrize("shared", [True, False])
def test_a_secret_of_a_required_module_has_to_be_shared(tmp_path: Path, *, shared: bool) -> None:
    mark = "shared: true, " if shared else ""
    base = f"x-aiserver: {{kind: basic, settings: {{KEY: {{{mark}type: secret}}}}}}\n"
    write(tmp_path, "base", base + "services: {b: {image: 'b:1'}}\n")
    used = "services:\n  web: {image: 'i:1', environment: {K: '${KEY}'}}\n"
    folder = write(tmp_path, "m", "x-aiserver: {kind: feature, requires: [base]}\n" + used)
    if shared:
        assert asked(tmp_path) == [("secret", "base.KEY")]
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


def test_the_hash_changes_with_the_list_and_the_folder_only(tmp_path: Path) -> None:
    write(tmp_path, "m", service())
    module = load_catalog([tmp_path]).modules["m"]
    one, two = Permission("bind", "/srv"), Permission("bind_read_only", "/srv")
    assert fingerprint(module, [one]) == fingerprint(module, [Permission("bind", "/srv")])
    moved = replace(module, file=tmp_path / "n/compose.yaml")
    found = [fingerprint(module, asked) for asked in ([], [one], [two], [one, two])]
    assert len({*found, fingerprint(moved, [one])}) == 5


def test_a_permission_is_one_line_whatever_the_file_says() -> None:
    assert "\n" not in Permission("bind", "/srv\n- nothing").text.render()


def app_with(tmp_path: Path, *lines: str) -> App:
    folder = tmp_path / "catalog/m"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compose.yaml").write_text(service(*lines), encoding="utf-8")
    return App(tmp_path / "home", [folder.parent])


def test_a_module_is_trusted_until_it_asks_for_something_else(tmp_path: Path) -> None:
    app = app_with(tmp_path, "cap_add: [NET_ADMIN]")
    error = app.target("m").untrusted
    assert error is not None
    assert "use the capability NET_ADMIN" in error.render()
    assert "权能" in error.render("zh")
    trust = error.data["remedies"][0]
    assert trust["permissions"] == [
        {"kind": "capability", "subject": "NET_ADMIN", "text": "use the capability NET_ADMIN"}
    ]

    app.targets.trust("m", trust["hash"], actor=ACTOR)
    assert app_with(tmp_path, "cap_add: [NET_ADMIN]").target("m").untrusted is None
    changed = app_with(tmp_path, "cap_add: [NET_ADMIN, SYS_ADMIN]")
    assert changed.target("m").untrusted is not None
    assert changed.preview("m").untrusted is not None
    changed.targets.trust("m", actor=ACTOR)
    assert changed.target("m").untrusted is None
    assert app_with(tmp_path).target("m").untrusted is None, "it asks for nothing"


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
