"""An engine on a computer elsewhere, by ssh."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import psutil
import pytest
import requests

from aiserver_tray.base.errors import EngineDownError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.engine import client as engine_client
from aiserver_tray.engine import stdio
from aiserver_tray.engine.engine import Engine
from aiserver_tray.features.doctor.connection import examine_connection
from aiserver_tray.features.doctor.ssh import HostKey
from aiserver_tray.spec import labels
from tests.engine.elsewhere import ON_LOOPBACK, WAYS, Elsewhere
from tests.lab.fixtures import have_image
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.installation import Installation, idle, script
from tests.support.limits import LIMIT, stretched
from tests.support.ports import free_port
from tests.support.stack import IMAGE, held, service, write
from tests.support.terminal import terminal
from tests.support.waiting import eventually


def children() -> list[int]:
    """The ssh of this process and its own."""
    found = psutil.Process().children(recursive=True)
    return [one.pid for one in found if _name(one) == "ssh"]


def _name(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return "" if process.status() == psutil.STATUS_ZOMBIE else process.name()
    return ""


def test_commands_work_on_an_engine_elsewhere_and_leave_no_child(
    elsewhere: Elsewhere, engine: docker.DockerClient, tmp_path: Path
) -> None:
    have_image(engine, IMAGE)
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    given = {"configs": ["config"], "secrets": ["secret"], "build": "."}
    web = {k: v for k, v in service(volume="data").items() if k != "image"} | given
    top = {name: {name[:-1]: {"file": name[:-1]}} for name in ("configs", "secrets")}
    folder = here.write("web", {"web": web}, top={**top, "volumes": {"data": {}}})
    (folder / "config").write_text("configured")
    (folder / "secret").write_text("hidden")
    (folder / "built").write_text("built")
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY built /\n")
    here.write("mine", {"mine": idle(volumes=["./mine:/mine"])})
    here.trust()
    cli = here.cli
    assert "its containers can't get" in cli.run("up", "mine").failed("E_CATALOG").errors
    cli.run("up", "web").succeeded()
    assert engine.containers.get("ai-web").status == "running"
    assert cli.status()["state"] == "running"
    read = cli.run("exec", "web", "cat", "/built", "/config", "/run/secrets/secret").succeeded()
    assert read.output == "builtconfiguredhidden"
    cli.run("logs", "web").succeeded()
    with terminal(*cli.options, "exec", "web", "sh") as shell:
        shell.wait_for("# ")  # what is typed before belongs to nobody
        shell.type("echo $((6 * 7)) in $(tty)\nexit 3\n")
        assert shell.end() == 3, shell.text
        assert "42 in /dev/pts/" in shell.text
    (stats,) = json.loads(cli.run("stats", "--json").succeeded().output)["modules"]
    assert stats["memory"] > 0
    assert elsewhere.host in cli.run("doctor").output
    cli.run("backup", "create", "web").succeeded()
    assert "another machine" in cli.run("access", "n8n", "network").failed("E_ADDRESS").errors
    asked = cli.run("access", "n8n", "internet", "n8n.example.com").errors
    assert f"Port 443 must lead to {urlsplit(elsewhere.host).hostname}, port 18449" in asked
    assert "Confirm this with --yes" in asked
    for words in ("exec web sleep 600", "logs web -f"):
        with cli.started(*words.split()) as running:
            eventually(elsewhere.children, "its ssh")
            running.kill()
            eventually(lambda: not elsewhere.children(), "the end of its ssh")
    cli.run("down", "web").succeeded()
    assert [c.name for c in engine.containers.list(all=True) if c.name == "ai-web"] == []


def test_a_test_of_the_connection_names_the_step_that_fails_and_its_mend(
    elsewhere: Elsewhere,
) -> None:
    host, run = elsewhere.host, elsewhere.container.exec_run
    assert failure(host) == ""
    assert "ssh: Could not resolve hostname" in failure("ssh://no-such-computer.invalid")
    assert "Connection refused" in failure(f"{host}:1")
    assert "`ssh-copy-id`" in (refused := failure(host.replace("root@", "nobody@")))
    assert "Permission denied (publickey)" in refused
    assert run(["useradd", "-m", "guest"]).exit_code == 0
    keys = "cp -r /root/.ssh /home/guest/ && chown -R guest /home/guest/.ssh"
    assert run(["sh", "-c", keys]).exit_code == 0
    assert "usermod -aG docker" in failure(host.replace("root@", "guest@"))
    assert run(["mv", "/usr/bin/docker", "/usr/bin/other"]).exit_code == 0
    assert failure(host) == ""  # ssh alone can lead to the socket
    elsewhere.hide_socket()
    assert "docker: command not found" in failure(host)
    assert "can't be reached (bash: line 1: docker: command not found)" in why(host)


def test_a_changed_host_key_is_refused_with_both_fingerprints(elsewhere: Elsewhere) -> None:
    host, kind, key = elsewhere.known.read_text().split()[:3]
    old, new = HostKey(host, kind, f"{key[:-4]}AAAA"), HostKey(host, kind, key)
    elsewhere.known.write_text(f"{old.host} {old.type} {old.key}\n")
    with closing(Engine(elsewhere.host)) as found:
        connection = examine_connection(found)
    said = str(connection.findings[-1].text)
    assert connection.unknown is None
    assert f"\nKnown key: {old}\nKey now: {new}\n" in said
    assert "IDENTIFICATION HAS CHANGED" in why(elsewhere.host)
    command = shlex.split(said.partition("with: ")[2])
    subprocess.run(command, check=True, capture_output=True)
    with closing(Engine(elsewhere.host)) as found:
        assert examine_connection(found).unknown


def test_an_unknown_host_key_is_asked_about_and_works_once_it_is_trusted(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    host, kind, key = elsewhere.known.read_text().split()[:3]
    known = f"other.example {kind} {key}"  # its last line has no end
    elsewhere.known.write_text(known)
    write(tmp_path / "catalog", "web", {"web": service()}, kind="feature")
    cli = CommandLine(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    question = f"Trust the host key {HostKey(host, kind, key)}?"
    assert f"engine test {elsewhere.host}" in cli.run("doctor").output
    # There is no terminal, so nothing is asked.
    said = cli.run("engine", "test", "--json")
    assert (said.code, json.loads(said.output)["hostKey"]) == (1, str(HostKey(host, kind, key)))
    for answer, status in {"n": 1, "y": 0}.items():
        assert elsewhere.known.read_text() == known
        with terminal(*cli.options, "engine", "test") as asked:
            asked.wait_for(question)
            asked.type(f"{answer}\n")
            assert asked.end() == status, asked.text
    first, added = elsewhere.known.read_text().splitlines()
    assert (first, added[:3], added.split()[1:]) == (known, "|1|", [kind, key])
    cli.run("engine", "test").succeeded()
    assert f"The host key of {host} was trusted" in cli.run("activity").output


def test_a_jump_host_of_the_users_configuration_works_unchanged(elsewhere: Elsewhere) -> None:
    jump = elsewhere.known.read_text().split()[0]
    inner = f"Host inner\nHostName 127.0.0.1\nHostKeyAlias {jump}\nProxyJump root@{jump}\n"
    with elsewhere.known.with_name("config").open("a") as config:
        config.write(inner)
    assert failure("ssh://root@inner") == ""
    with closing(Engine("ssh://root@inner")) as found:
        found.ping()
        assert len(children()) == 2  # ssh runs another one for the jump
    eventually(lambda: children() == [], "the end of both")


def failure(host: str) -> str:
    """What the test of the connection to *host* says about the step that fails; else nothing."""
    with closing(Engine(host)) as found:
        *before, last = examine_connection(found).findings
    assert all(finding.grade == "ok" for finding in before)
    return "" if last.grade == "ok" else str(last.text)


def why(host: str) -> str:
    """Why the engine at *host* can't be reached."""
    with closing(Engine(host)) as found, pytest.raises(EngineDownError) as error:
        found.ping()
    return str(error.value.text)


@WAYS
def test_a_killed_ssh_costs_no_request_and_a_stopped_one_can_be_left(
    elsewhere: Elsewhere, way: str
) -> None:
    elsewhere.use(way)
    with closing(Engine(elsewhere.host)) as found:
        found.ping()
        (first,) = children()
        os.kill(first, signal.SIGKILL)
        eventually(lambda: first not in children(), "its end")
        found.ping()
        (second,) = children()
        assert second != first
        with closing(found.events("none")) as events:
            ended = threading.Thread(target=lambda: list(events))
            ended.start()
            found.ping()
            assert len(children()) == {"tunnel": 1, "children": 2}[way]
            os.kill(second, signal.SIGSTOP)
        ended.join(LIMIT)
        assert not ended.is_alive()
        found.reconnect()
        found.ping()
        assert second not in children()
        container = elsewhere.container.id or ""
        assert list(found.containers.logs(container, tail=1))  # a stream that ends by itself
        found.ping()
        found.reconnect()
        assert len(found.each(lambda _: found.now(), range(12))) == 12  # sshd takes 3 at once


def test_input_and_its_end_reach_a_command_elsewhere(
    elsewhere: Elsewhere, engine: docker.DockerClient
) -> None:
    have_image(engine, IMAGE)
    container = engine.containers.run(IMAGE, ["sleep", "600"], detach=True)
    much = b"0123456789abcdef" * 200_000
    program = "from aiserver_tray.engine.engine import Engine; import sys; "
    program += "sys.exit(Engine(sys.argv[1]).containers.exec(sys.argv[2], sys.argv[3:]))"

    def run(*command: str) -> subprocess.CompletedProcess[bytes]:
        words = [sys.executable, "-c", program, elsewhere.host, container.id, *command]
        return subprocess.run(words, input=much, capture_output=True, check=False, timeout=LIMIT)

    counted = run("wc", "-c")
    assert (counted.returncode, int(counted.stdout)) == (0, len(much)), counted
    missing = run("no-such-program")
    assert missing.returncode in (126, 127), missing
    assert b"no-such-program" in missing.stdout + missing.stderr
    # The engine has not read the input, and keeps the connection for two minutes.
    eventually(lambda: elsewhere.children() == [], "the end of its ssh", 60.0)


@ON_LOOPBACK
def test_ports_elsewhere_are_reached_here_and_an_outage_is_only_waited_for(
    elsewhere: Elsewhere, engine: docker.DockerClient, tmp_path: Path
) -> None:
    have_image(engine, IMAGE)
    # Where one is taken here, it is reached at the next one.
    first, second, taken = (free_port(2) for _ in range(3))
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    write_web(here, first)
    here.write("other", {"other": idle(ports=[f"127.0.0.1:{taken}:80"])})
    write(here.catalog, "held", {"held": held()}, kind="feature")
    with hosted(here.cli) as (client, owner):
        page = page_of(here, first)
        assert requests.get(page, timeout=LIMIT).text == "hello"
        write_web(here, second)
        moved = page_of(here, second)
        assert requests.get(moved, timeout=LIMIT).text == "hello"
        eventually(lambda: is_refused(page), "the end of the first port")
        with closing(socket.create_server(("127.0.0.1", taken))):
            said = here.cli.run("up", "other").failed("E_PORT_CONFLICT")
        assert f"{taken}" in said.errors
        assert "other" not in {
            c.labels.get(labels.MODULE) for c in engine.containers.list(all=True)
        }
        checks = here.cli.run("doctor").output
        assert "memory, of which" in checks
        with here.cli.started("up", "held") as running:
            eventually(lambda: "held" in str(shown(client)["operations"]), "the operation")
            elsewhere.container.kill()
            running.wait().failed("E_ENGINE_DOWN", "can't be reached")
        eventually(lambda: shown(client)["engine"]["reconnecting"], "the lost connection")
        elsewhere.container.start()
        eventually(lambda: shown(client)["engine"]["running"], "the connection")
        assert not shown(client)["engine"]["reconnecting"]
        assert requests.get(moved, timeout=LIMIT).text == "hello"
        owner.kill()
        owner.wait()
    eventually(lambda: is_refused(moved), "the end of the second port")
    (port,) = here.cli.module("web")["ports"] or [None]
    assert port is None


def shown(client: Client) -> dict[str, Any]:
    """The snapshot."""
    return dict(client.request("ai/snapshot/get"))


def write_web(here: Installation, port: int) -> None:
    """A module whose page says hello on *port*."""
    serve = "mkdir -p /www && printf hello >/www/index.html && exec httpd -f -p 80 -h /www"
    web = script(serve, ports=[f"127.0.0.1:{port}:80"], stop_signal="SIGKILL")
    here.write("web", {"web": web}, open=f"http://localhost:{port}")


def page_of(here: Installation, port: int) -> str:
    """Where the started page is reached that is published on *port* of the other computer."""
    here.cli.run("up", "web").succeeded()
    eventually(lambda: here.cli.module("web")["open"], "its forwarded port")
    page = str(here.cli.module("web")["open"])
    (shown,) = here.cli.module("web")["ports"]
    assert page == f"http://localhost:{shown['host']}"
    assert shown["host"] != port
    assert page in here.cli.run("status").output
    return page


def is_refused(page: str) -> bool:
    """Whether nothing listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", urlsplit(page).port or 0)):
        return False
    return True


def test_status_and_up_wait_for_few_requests_one_after_the_other(
    elsewhere: Elsewhere,
    engine: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    have_image(engine, IMAGE)
    here = Installation(tmp_path / "home", tmp_path / "catalog", elsewhere.host)
    here.write("nine", {f"service-{number}": idle() for number in range(9)})
    here.done("up", "nine")
    asked: list[tuple[float, float]] = []

    def noted(ask: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*arguments: object, **more: object) -> object:
            """A round trip takes so long that requests which are sent at once overlap."""
            begun = time.monotonic()
            time.sleep(stretched(0.1))
            try:
                return ask(*arguments, **more)
            finally:
                asked.append((begun, time.monotonic()))

        return slow

    monkeypatch.setattr(engine_client.Client, "ask", noted(engine_client.Client.ask))
    monkeypatch.setattr(stdio, "run", noted(stdio.run))
    with here.core() as core:
        assert len(core.store.state.containers) == 9
        assert in_sequence(asked) <= 6
    asked.clear()
    assert here.done("up", "nine") == []
    assert in_sequence(asked) <= 12


def in_sequence(asked: list[tuple[float, float]]) -> int:
    """The number of requests of which each began after the end of the one before, at most."""
    count, end = 0, 0.0
    for begun, ended in sorted(asked, key=lambda one: one[1]):
        if begun >= end:
            count, end = count + 1, ended
    return count
