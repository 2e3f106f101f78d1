"""An export of modules, run by the real ``docker compose`` on the engine where they ran."""

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.engine.built_in import choose_free_ports, value_of
from tests.support.installation import Installation, after, checked, script
from tests.support.observed import said
from tests.support.oracle import HOME

SECRET = 'it\'s "one" $HOME ${X} \\n # 7'
"""What a file of variables, YAML and a shell have signs for."""
OURS = ("Labels", "Image", "Hostname")
"""Of a container's configuration: labels of ours, and IDs."""
CONTENT = "key = ${KEY}\nprice = $$5\n"
CACHE = {"image": "redis:7.4.11-alpine", "command": ["sleep", "86400"], "init": True}
"""Its image declares a volume that its file does not name."""
SCRIPT = "#!/bin/sh\necho ran\n"


def compose(folder: Path, host: str, *words: str) -> str:
    """What ``docker compose`` prints in *folder*."""
    done = subprocess.run(
        ["docker-compose", *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": HOME, "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def web(here: Installation) -> Installation:
    """A module that needs Redis, with a job, a volume, a secret and files."""
    choose_free_ports(here, "redis")
    kept = "test -e /data/kept || cat /proc/sys/kernel/random/uuid > /data/kept"
    mounts = {"volumes": ["data:/data"], "environment": {"KEY": "${KEY}", "URL": "x://u:${KEY}@h"}}
    configs = [{"source": "text", "target": "/etc/text"}, {"source": "run", "target": "/bin/run"}]
    web = checked(
        'test "$(run)" = ran', depends_on=after("completed_successfully", "job"),
        configs=configs, stop_grace_period="1s", networks=["default", "ai-net"], **mounts,
    )  # fmt: skip
    folder = here.write(
        "shop",
        {"job": {**script(kept), **mounts}, "shop": web, "cache": CACHE},
        settings={"KEY": {"type": "secret"}},
        requires=["redis"],
        top={
            "volumes": {"data": {}},
            "networks": {"default": {}, "ai-net": {"external": True, "name": "ai-net"}},
            "configs": {"text": {"content": CONTENT}, "run": {"file": "./run.sh"}},
        },
    )
    (folder / "run.sh").write_text(SCRIPT)
    (folder / "run.sh").chmod(0o755)
    here.set("shop.KEY", SECRET)
    here.trust()
    return here


def seen(engine: docker.DockerClient, container: str) -> dict[str, Any]:
    """What the engine tells of *container*, as far as a file can say it."""
    found = engine.api.inspect_container(container)
    mounts = [(m["Type"], m.get("Name"), m["Destination"], m["RW"]) for m in found["Mounts"]]
    networks = found["NetworkSettings"]["Networks"].values()
    host = {**found["HostConfig"], "Mounts": None, "Binds": None, "NetworkMode": len(networks)}
    config = {key: value for key, value in found["Config"].items() if key not in OURS}
    config["Env"] = sorted(config["Env"])
    both = {**{f"Config.{k}": v for k, v in config.items()}, **host, "Mounts": sorted(mounts)}
    return {k: v for k, v in both.items() if v}


def test_docker_compose_runs_an_export_as_we_do_on_the_same_data(
    web: Installation, engine: docker.DockerClient, tmp_path: Path
) -> None:
    web.done("up", "shop")
    ours = {
        name: seen(engine, name) for name in ("ai-redis", "ai-shop-job", "ai-shop", "ai-shop-cache")
    }
    files = {path: said(engine, "ai-shop", "cat", path) for path in ("/etc/text", "/bin/run")}
    kept = said(engine, "ai-shop", "cat", "/data/kept")
    password = value_of(web, "redis.REDIS_PASSWORD")
    redis = ("redis-cli", "--no-auth-warning", "-a", password)
    said(engine, "ai-redis", *redis, "set", "key", "value")
    said(engine, "ai-redis", *redis, "save")

    folder = tmp_path / "out"
    export = ("export", "shop", "-o", str(folder))
    web.app.settings.distrust("shop")
    web.cli.run(*export).failed("E_TRUST", "export shop -o FOLDER --trust shop")
    written = json.loads(web.cli.run(*export, "--trust", "shop", "--json").succeeded().output)
    (own,) = (name for kind, name, _, _ in ours["ai-shop-cache"]["Mounts"] if kind == "volume")
    assert own.startswith("ai-shop-cache-data-")
    web.done("down", "shop", "redis")
    compose(folder, web.host, "up", "--detach")

    assert written["modules"] == ["redis", "shop"]
    assert written["left"] == []
    theirs = {name: seen(engine, name) for name in ours}
    differing = {
        f"{name}: {key}": (ours[name].get(key), theirs[name].get(key))
        for name in ours
        for key in ours[name].keys() | theirs[name].keys()
        if ours[name].get(key) != theirs[name].get(key)
    }
    assert not differing
    for name, service in (("ai-redis", "redis"), ("ai-shop", "shop")):
        for one in engine.api.inspect_container(name)["NetworkSettings"]["Networks"].values():
            assert service in one["Aliases"]
    assert {path: said(engine, "ai-shop", "cat", path) for path in files} == files
    assert said(engine, "ai-shop", "cat", "/data/kept") == kept
    assert said(engine, "ai-redis", *redis, "get", "key") == "value"
    assert SECRET in files["/etc/text"]
    compose(folder, web.host, "down", "--volumes")
    assert {v.name for v in engine.volumes.list()} >= {"ai-redis-data", "ai-shop-data"}

    assert stat.S_IMODE((folder / "secrets.env").stat().st_mode) == 0o600
    for name in written["files"]:
        text = (folder / name).read_text()
        assert (SECRET in text or password in text) == (name == "secrets.env"), name
