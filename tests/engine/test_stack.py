"""The whole of n8n on a real engine, from the command line: alone, and connected to OneAPI."""

import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from operator import gt
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread
from typing import Any

import docker
import requests
from docker.models.containers import Container

from tests.engine.n8n import (
    OWNER,
    log_in,
    logged_in,
    node,
    publish,
    publish_question,
    publish_workflow,
    set_up_owner,
    streamed,
)
from tests.engine.oneapi import OneApiStack
from tests.engine.own_authority import REFUSED, TRUSTED, answers
from tests.engine.waiting import logged, until
from tests.support.certificates import certificates
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.model_server import MODEL, model_server
from tests.support.observed import environment, facts, names, said
from tests.support.ports import free_port
from tests.support.processes import kill

JOBS = {"ai-n8n-n8n-database", "ai-n8n-n8n-files"}
RUNNERS = "n8nio/runners:2.41.6"
SERVICES = {"ai-postgres", "ai-n8n", "ai-n8n-n8n-runners", *JOBS}
ONEAPI = {"ai-redis", "ai-oneapi-oneapi-database", "ai-oneapi-one-api", "ai-oneapi-one-api-account"}
PROXY = "http://someone:any-password@192.0.2.1:3128"
WORKERS = ["n8n-worker-1", "n8n-worker-2"]
CONCURRENCY = 5
"""Executions that a worker runs at once."""
FILE = "/files/kept"
"""Where alone the nodes that read and write files may."""


WARNINGS = ("is not supported", "WEBHOOK_URL ->", "compatibility support only")
"""Of n8n, about its database and about variables."""


def test_n8n_runs_code_keeps_its_data_gets_models_from_oneapi_and_shares_its_work_with_workers(
    engine: docker.DockerClient, oneapi: OneApiStack, tmp_path: Path
) -> None:
    cli = oneapi.cli
    cli.run("up", "n8n").succeeded()

    brings_up_all_it_needs(oneapi, engine)
    page = oneapi.module("n8n").open
    assert page is not None
    set_up_owner(page)
    said(engine, "ai-n8n", "sh", "-c", f"echo mine > {FILE}")
    logged(engine.containers.get("ai-n8n"), "Registered runner")
    a_stranger_is_refused(engine)
    publish_workflow(logged_in(page), page)
    adds(page, engine)
    is_content(engine)
    has_levels(cli)

    cli.run("down").succeeded()

    assert engine.containers.list(all=True) == []
    assert [n.name for n in engine.networks.list() if n.name.startswith("ai-")] == []
    assert cli.status()["state"] == "stopped"
    cli.run("config", "set", "n8n.N8N_TIMEZONE", "Asia/Shanghai").succeeded()
    choose_a_worker(oneapi)
    cli.run("connect", "n8n").succeeded()
    before = facts(engine, *names(engine))
    assert before.keys() == SERVICES | ONEAPI | of_worker(WORKERS[0])
    oneapi.set("n8n.N8N_WORKERS", "2")
    cli.run("up", "n8n").succeeded()
    assert names(engine) - before.keys() == of_worker(WORKERS[1])
    assert facts(engine, *before) == before
    user = logged_in(page)
    for name in ("ai-n8n", *(f"ai-n8n-{worker}" for worker in WORKERS)):
        assert said(engine, name, "cat", FILE) == "mine"
    adds(page, engine)
    token = has_models(oneapi, engine, user, page)
    a_model_of_this_computer_answers(oneapi, user, page, engine)
    workers_share_executions(user, page, engine)
    mine = folder_for_n8n(oneapi, tmp_path / "mine")
    gets_own_authority_and_proxy(cli, engine, tmp_path)
    oneapi.set("n8n.N8N_WORKERS", "0")

    assert "remove it there" not in cli.run("disconnect", "n8n").succeeded().errors

    has_no_workers(oneapi, engine)
    reads_and_writes_only(mine, user, page, engine)
    cli.run("up", "oneapi").succeeded()
    assert answers(engine, tmp_path) == {TRUSTED}
    added = environment(engine, "ai-n8n")
    assert (added["HTTPS_PROXY"], added["http_proxy"]) == (PROXY, PROXY)
    assert {"postgres", "n8n-runners", "n8n"} <= {*added["NO_PROXY"].split(",")}
    assert "HTTP_PROXY" not in environment(engine, "ai-postgres")
    assert json.loads(environment(engine, "ai-n8n")["CREDENTIALS_OVERWRITE_DATA"]) == {}
    assert oneapi.models(token) == 401
    gets_a_new_owner(cli, page)


def brings_up_all_it_needs(oneapi: OneApiStack, engine: docker.DockerClient) -> None:
    """See that n8n runs with what it requires, and nothing else."""
    status = oneapi.cli.status()
    assert (status["state"], status["engine"]["running"]) == ("running", True)
    modules = {module["name"]: module for module in status["modules"]}
    assert {n for n, m in modules.items() if m["state"] == "running"} == {"n8n", "postgres"}
    assert (modules["n8n"]["ready"], modules["n8n"]["total"]) == (4, 4)
    assert modules["postgres"]["usedBy"] == ["n8n"]
    assert names(engine) == SERVICES
    running = {c.name for c in engine.containers.list() if c.health == "healthy"}
    assert running == SERVICES - JOBS
    overwritten = environment(engine, "ai-n8n")["CREDENTIALS_OVERWRITE_DATA"]
    assert json.loads(overwritten) == {}, "it is not connected"


def adds(page: str, engine: docker.DockerClient) -> None:
    """See that the workflow of `publish_workflow` answers."""
    numbers = {"a": 3, "b": 4}
    until(lambda: _answer(page, "sum", numbers).ok, engine.containers.get("ai-n8n"))
    assert _answer(page, "sum", numbers).json() == {"sum": 7}


def gets_a_new_owner(cli: CommandLine, page: str) -> None:
    """See that the action resets the owner's password, and that a new one owns all that is there,
    without a restart of n8n."""
    told = cli.run("action", "n8n", "reset-accounts", "--yes").succeeded().output
    assert "Successfully reset the database to default user state" in told
    assert log_in(page, requests.Session(), OWNER["password"]).status_code == 401
    new = "An0ther-password"
    set_up_owner(page, password=new)
    answer = logged_in(page, new).get(f"{page}/rest/workflows", timeout=60)
    answer.raise_for_status()
    assert {one["name"] for one in answer.json()["data"]} == {"sum", "ask", "wait", "copy", "steal"}


def _answer(page: str, workflow: str, data: dict[str, int] | None = None) -> requests.Response:
    """The answer of the workflow's webhook; 404 for a moment after it was published, and after n8n
    has started."""
    return requests.post(f"{page}/webhook/{workflow}", json=data, timeout=180)


def of_worker(name: str) -> set[str]:
    """The containers of a worker and its task runner."""
    return {f"ai-n8n-{name}", f"ai-n8n-{name}-runners"}


def choose_a_worker(oneapi: OneApiStack) -> None:
    """Let n8n have a worker. Workers notice within seconds that one of them was killed, which takes
    minutes by default."""
    milliseconds = {"LOCK_DURATION": 15000, "LOCK_RENEW_TIME": 3000, "STALLED_INTERVAL": 3000}
    values = {
        "n8n.N8N_WORKERS": "1",
        "n8n.N8N_WORKER_CONCURRENCY": str(CONCURRENCY),
        **{
            f"n8n.variable.{worker}.QUEUE_WORKER_{name}": str(value)
            for worker in WORKERS
            for name, value in milliseconds.items()
        },
    }
    app = oneapi.app
    app.settings.change(app.declared_with(values), values)
    shown = json.loads(oneapi.cli.run("catalog", "show", "n8n", "--json").succeeded().output)
    assert shown["requires"] == ["postgres", "redis"]


def a_model_of_this_computer_answers(
    oneapi: OneApiStack, user: requests.Session, page: str, engine: docker.DockerClient
) -> None:
    """See that a real model, which listens on 127.0.0.1, answers n8n's AI Agent through a relay and
    OneAPI, piece by piece."""
    port = free_port()
    with model_server(port), hosted(oneapi.cli):
        oneapi.cli.run("models", "use", f"http://127.0.0.1:{port}").succeeded()
        publish_question(user, page, "ask", MODEL)
        pieces = until(lambda: streamed(page, "ask"), engine.containers.get("ai-n8n"))
        answers_are_checked(oneapi, engine)
        oneapi.cli.run("models", "remove", f"127-0-0-1-{port}").succeeded()
    assert len(pieces) > 1
    assert "4" in "".join(pieces)


def answers_are_checked(oneapi: OneApiStack, engine: docker.DockerClient) -> None:
    """See that the check finds n8n's webhooks and its mail server, and nobody there."""
    assert checked(oneapi) | {"webhook": "works", "mail": "untried"} == checked(oneapi)
    gateway = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    with TCPServer((gateway, 0), _Greeting) as mail:
        Thread(target=mail.serve_forever, daemon=True).start()
        oneapi.set("n8n.N8N_SMTP_HOST", "host.docker.internal")
        oneapi.set("n8n.N8N_SMTP_PORT", str(mail.server_address[1]))
        oneapi.set("n8n.N8N_SMTP_SSL", "false")
        assert checked(oneapi)["mail"] == "works"
        mail.shutdown()
    assert checked(oneapi)["mail"] == "broken"
    for name in ("HOST", "PORT", "SSL"):
        oneapi.cli.run("config", "unset", f"n8n.N8N_SMTP_{name}").succeeded()


class _Greeting(BaseRequestHandler):
    """Says what a mail server says first."""

    def handle(self) -> None:
        self.request.sendall(b"220 ready\r\n")


def checked(oneapi: OneApiStack) -> dict[str, str]:
    """What became of each part of ``models check``, whose question is answered."""
    found = json.loads(oneapi.cli.run("models", "check", "--json").succeeded().output)
    return {one["name"]: one["outcome"] for one in found["rest"]}


def workers_share_executions(
    user: requests.Session, page: str, engine: docker.DockerClient
) -> None:
    """See that 40 executions end well on two workers, one of which is killed meanwhile. n8n repeats
    no execution by itself: those that this worker was running fail, and are asked for again."""
    wait = "await new Promise(done => setTimeout(done, 1500));"
    code = {"jsCode": f"{wait} return [{{json: {{number: $json.body.number}}}}];"}
    publish(user, page, "wait", [node("Code", "n8n-nodes-base.code", code)])
    workers = [engine.containers.get(f"ai-n8n-{name}") for name in WORKERS]
    until(lambda: _answer(page, "wait", {"number": 0}).ok, workers[0])
    before = [*map(finished, workers)]
    with ThreadPoolExecutor(40) as callers:
        answers = callers.map(lambda number: _asked_until_done(page, number), range(40))
        until(lambda: all(map(gt, map(finished, workers), before)), workers[0])
        kill(workers[0])
        found = [*answers]
    assert [number for number, _ in found] == [*range(40)]
    assert sum(failures for _, failures in found) <= CONCURRENCY


def finished(worker: Container) -> int:
    """How many executions the worker has finished."""
    return int(worker.logs().count(b"Worker finished execution"))


def _asked_until_done(page: str, number: int) -> tuple[int, int]:
    """The answer of the workflow, and how often it failed before."""
    failures = 0
    while not (answer := _answer(page, "wait", {"number": number})).ok:
        assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
        failures += 1
    return int(answer.json()["number"]), failures


def has_no_workers(oneapi: OneApiStack, engine: docker.DockerClient) -> None:
    """See that n8n runs without workers, and does not need Redis."""
    assert names(engine) == SERVICES | ONEAPI
    modules = {module["name"]: module for module in oneapi.cli.status()["modules"]}
    assert modules["redis"]["usedBy"] == ["oneapi"]


def folder_for_n8n(oneapi: OneApiStack, folder: Path) -> Path:
    """A folder of this computer that n8n gets at its next start; it is refused before n8n's user
    may write it."""
    folder.mkdir(mode=0o700)
    (folder / "in.txt").write_text("from the computer", encoding="utf-8")
    choose = ("config", "set", "n8n.N8N_FOLDER", str(folder))
    oneapi.cli.run(*choose).failed("E_SETTING", f"u:1000:rwx {shlex.quote(str(folder))}")
    os.chown(folder, 1000, 1000)
    oneapi.cli.run(*choose).succeeded()
    return folder


def gets_own_authority_and_proxy(
    cli: CommandLine, engine: docker.DockerClient, folder: Path
) -> None:
    """Set both for the next start, once it is seen that the authority is not trusted yet."""
    certificates(folder, "localhost")
    assert answers(engine, folder) == REFUSED
    config = ("config", "set", "app.ca_certificates")
    cli.run(*config, str(folder / "key.pem")).failed("E_SETTING", "has a private key")
    waiting = cli.run(*config, str(folder / "ca.pem")).succeeded().errors
    assert " up oneapi n8n)" in waiting
    cli.run("config", "set", "n8n.proxy-mode", "own").succeeded()
    cli.run("config", "set", "n8n.proxy-address", PROXY).succeeded()
    assert PROXY not in cli.run("config", "list").succeeded().output


def reads_and_writes_only(
    folder: Path, user: requests.Session, page: str, engine: docker.DockerClient
) -> None:
    """See that a workflow copies a file in *folder*, and can't read one elsewhere."""
    publish(user, page, "copy", copy_of("/files/in.txt"))
    publish(user, page, "steal", copy_of("/home/node/.n8n/config"))
    n8n = engine.containers.get("ai-n8n")
    until(lambda: _answer(page, "copy").ok, n8n)
    until(lambda: _answer(page, "steal").status_code != HTTPStatus.NOT_FOUND, n8n)
    assert _answer(page, "steal").status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    assert (folder / "out.txt").read_text(encoding="utf-8") == "from the computer"


def copy_of(path: str) -> list[dict[str, Any]]:
    """The nodes that write what is at *path* to ``out.txt``."""
    read = {"operation": "read", "fileSelector": path}
    write = {"operation": "write", "fileName": "/files/out.txt", "dataPropertyName": "data"}
    kind = "n8n-nodes-base.readWriteFile"
    return [node("Read", kind, read, 1), node("Write", kind, write, 1)]


def is_content(engine: docker.DockerClient) -> None:
    """See that n8n has what it wants: its database, its variables, and the computer's address."""
    assert said(engine, "ai-postgres", "postgres", "--version").startswith(
        "postgres (PostgreSQL) 17"
    )
    log = engine.containers.get("ai-n8n").logs().decode()
    assert [warning for warning in WARNINGS if warning in log] == []
    lookup = (
        "require('dns').promises.lookup('host.docker.internal').then(r => console.log(r.address))"
    )
    gateway = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    assert said(engine, "ai-n8n", "node", "-e", lookup) == gateway


def has_levels(cli: CommandLine) -> None:
    """See that each line of n8n says how severe it is."""
    told = cli.run("logs", "n8n/n8n", "--json").succeeded().output
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line for line in lines if line["level"] == "unknown"] == []
    assert {line["level"] for line in lines if "n8n ready on" in line["message"]} == {"info"}


def a_stranger_is_refused(engine: docker.DockerClient) -> None:
    """n8n's broker takes no task runner with another token."""
    runner = engine.containers.run(
        RUNNERS,
        network="ai-n8n",
        environment={
            "N8N_RUNNERS_AUTH_TOKEN": "wrong" * 7,
            "N8N_RUNNERS_TASK_BROKER_URI": "http://n8n:5679",
        },
        detach=True,
    )
    assert runner.wait(timeout=60)["StatusCode"] == 1
    assert b"refused N8N_RUNNERS_AUTH_TOKEN" in runner.logs()
    runner.remove()


def has_models(
    oneapi: OneApiStack, engine: docker.DockerClient, user: requests.Session, page: str
) -> str:
    """See that *user* has models without a key of their own. Returns the token that n8n got."""
    empty: dict[str, Any] = {"name": "models", "type": "openAiApi", "data": {}}
    data = json.loads(environment(engine, "ai-n8n")["CREDENTIALS_OVERWRITE_DATA"])["openAiApi"]
    assert data["url"] == "http://oneapi:3000/v1"
    token = str(data["apiKey"])
    assert oneapi.models(token) == 200
    script = "fetch(process.argv[1], {headers: {Authorization: 'Bearer ' + process.argv[2]}})"
    script += ".then(r => r.text()).then(console.log)"
    models = said(engine, "ai-n8n", "node", "-e", script, f"{data['url']}/models", token)
    assert json.loads(models)["data"][0]["id"] == "stand-in"
    made = user.post(f"{page}/rest/credentials", json=empty, timeout=60)
    made.raise_for_status()
    credentials = made.json()["data"]
    tested = user.post(
        f"{page}/rest/credentials/test",
        json={"credentials": {**empty, "id": credentials["id"]}},
        timeout=60,
    )
    tested.raise_for_status()
    assert tested.json()["data"]["status"] == "OK", tested.text
    return token
