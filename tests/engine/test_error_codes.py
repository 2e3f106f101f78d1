"""Every error code as a user meets it: at the command line, on a real engine, in both languages."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest

from aiserver_tray.base.errors import AiServerError
from aiserver_tray.operations.locks import holders
from tests.engine.registries.misbehaving import registry
from tests.support import forked, lock_holder
from tests.support.command_line import LIMIT, Running
from tests.support.installation import (
    IMAGE,
    Installation,
    Service,
    after,
    checked,
    gated,
    idle,
    last_words,
    script,
)
from tests.support.waiting import eventually

ELSEWHERE = {"E_REQUEST", "E_NOT_RUNNING", "E_NO_DESKTOP", "E_NO_SHELL"}
"""Of the control channel, the tray and the dashboard's terminals."""
ELSEWHERE |= {"E_BACKUP_DAMAGED", "E_BACKUP_FORMAT", "E_BACKUP_KEY", "E_RESTORE"}
"""Of backups, whose own tests make such files."""
ELSEWHERE |= {"E_ADDRESS"}
"""Of opening modules to a network, whose own test has one."""
ELSEWHERE |= {"E_REGISTRY", "E_UPGRADE", "E_UPGRADE_UNFIT"}
"""Of upgrades, whose own tests have registries and versions."""
ELSEWHERE |= {"E_DOWNLOAD"}
"""Of downloads of models, whose own test has a hub."""
ELSEWHERE |= {"E_ADOPT", "E_ADOPT_KEY"}
"""Of adoptions, whose own tests have programs of others."""
ELSEWHERE |= {"E_CLUSTER", "E_CLUSTER_DOWN"}
"""Of clusters, whose own tests have several engines."""

SECRET = "s3cret-that-nobody-may-see"


@dataclass(frozen=True)
class Case:
    """How a user comes to an error, and what must be told then.

    ``names`` stand in the text in either language, ``advice`` says what to do next in both; of
    ``data`` each value must be told as it is. ``meddle`` is done while the command runs.
    """

    words: tuple[str, ...]
    names: tuple[str, ...]
    advice: tuple[str, str]
    data: Mapping[str, object]
    prefix: tuple[str, ...] = ()
    host: str | None = None
    code: int = 1
    meddle: Callable[[Running], None] | None = None


@dataclass(frozen=True)
class Stage:
    """Where the errors are made: an installation, its engine, and an empty folder."""

    here: Installation
    engine: docker.DockerClient
    folder: Path

    @property
    def engine_id(self) -> str:
        return str(self.engine.info()["ID"])

    def write(self, services: Mapping[str, Service], **more: Any) -> Path:  # noqa: ANN401
        """The module `web`; its first service knows a secret."""
        first = next(iter(services.values()))
        first["environment"] = {"KEY": "${WEB_KEY}"}
        settings = {"WEB_KEY": {"type": "secret", "generate": "hex32"}, **more.pop("settings", {})}
        folder = self.here.write("web", services, settings=settings, **more)
        self.here.set("web.WEB_KEY", SECRET)
        return folder


Producer = Callable[[Stage], Iterator[Case]]
PRODUCERS: dict[str, Producer] = {}

UP = ("up", "web")
LOG = "aiserver-tray logs web"


def produces(code: str) -> Callable[[Producer], Producer]:
    def register(producer: Producer) -> Producer:
        PRODUCERS[code] = producer
        return producer

    return register


@produces("E_ENGINE_DOWN")
def _engine_down(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()})
    host = f"unix://{stage.folder}/docker.sock"
    advice = ("Start it, then try again.", "请先启动它，然后重试。")
    yield Case(UP, (host,), advice, {"host": host}, host=host)


@produces("E_ENGINE_NOT_INSTALLED")
def _engine_not_installed(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()})
    # Where neither a socket nor the engine's program is.
    hide = (
        'mount -t tmpfs none /usr/sbin && mount -t tmpfs none /run && exec env -u DOCKER_HOST "$@"'
    )
    prefix = ("unshare", "--mount", "sh", "-c", hide, "sh")
    host = "unix:///var/run/docker.sock"
    advice = ("Install one with `aiserver-tray", "请用 `aiserver-tray")
    yield Case(UP, (host, "engine install`"), advice, {"host": host}, prefix, host="")


@produces("E_BACKUP")
def _no_data(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()})
    advice = ("there is nothing to back up.", "没有可备份的内容。")
    yield Case(("backup", "create"), (), advice, {})


@produces("E_DEP_CYCLE")
def _cycle(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()}, requires=["store"])
    stage.here.write("store", {"store": idle()}, requires=["web"])
    advice = ("Remove one of these requirements.", "请删除其中一个 requires。")
    path = ["web", "store", "web"]
    yield Case(UP, ("web → store → web",), advice, {"path": path})


@produces("E_DEP_MISSING")
def _missing(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()}, requires=["nowhere"])
    advice = ("or remove it from requires.", "或从 requires 中删除它。")
    data = {"module": "web", "missing": "nowhere"}
    yield Case(UP, ("web", "nowhere", "--catalog"), advice, data)


@produces("E_UNKNOWN")
def _unknown(stage: Stage) -> Iterator[Case]:
    stage.here.write("webshop", {"webshop": idle()})
    advice = ("Did you mean webshop?", "您是否指 webshop？")
    yield Case(("up", "webshp"), ("'webshp'",), advice, {"name": "webshp", "near": ["webshop"]})


@produces("E_PORT_CONFLICT")
def _port(stage: Stage) -> Iterator[Case]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        setting = {"WEB_PORT": {"type": "port", "default": port}}
        stage.write({"web": idle(ports=["${WEB_PORT}:80"])}, settings=setting)
        advice = ("or use a free port", "请停止占用该端口的程序或容器，或改用空闲端口")
        names = (str(port), "127.0.0.1", "aiserver-tray config set web.WEB_PORT")
        data = {"address": "127.0.0.1", "port": port, "setting": "web.WEB_PORT"}
        yield Case(UP, names, advice, data)


@produces("E_HEALTH_TIMEOUT")
def _unhealthy(stage: Stage) -> Iterator[Case]:
    web = checked("echo no database; exit 1") | {
        "command": ["sh", "-c", "echo it is cold; sleep 600"],
        "x-aiserver": {"ready_within": "5s"},
    }
    stage.write({"web": web})
    names = ("web/web", "no database", "it is cold", LOG)
    data = {"service": "web/web", "seconds": 5.0, "check": "no database", "lines": ["it is cold"]}
    yield Case(UP, names, ("see its log", "查看日志"), data)


@produces("E_EXITED")
def _exited(stage: Stage) -> Iterator[Case]:
    web = gated() | {"command": ["sh", "-c", last_words("echo it is cold; echo key $$KEY", 4)]}
    stage.write({"web": web})
    advice = ("Fix the cause, then try again", "请排除原因后重试")
    data = {"service": "web/web", "exitCode": 4}
    yield Case(UP, ("web/web", "4", "it is cold", LOG), advice, data)


@produces("E_JOB_FAILED")
def _job(stage: Stage) -> Iterator[Case]:
    job = script(last_words("echo it is cold", 4))
    web = idle(depends_on=after("completed_successfully", "job"))
    stage.write({"job": job, "web": web})
    advice = ("Fix the cause, then try again", "请排除原因后重试")
    data = {"service": "web/job", "exitCode": 4, "lines": ["it is cold"]}
    yield Case(UP, ("web/job", "4", "it is cold", LOG), advice, data)


def _act(stage: Stage, command: str, **more: object) -> tuple[str, ...]:
    """The words that run an action of `web` with *command*, a shell's."""
    action = {"title": "Repair", "service": "web", "command": ["sh", "-c", command], **more}
    stage.write({"web": idle()}, actions={"repair": action})
    stage.here.done("up", "web")
    return ("action", "web", "repair")


@produces("E_ACTION")
def _failed_action(stage: Stage) -> Iterator[Case]:
    advice = ("Fix the cause, then run it again", "请排除原因后重新运行")
    data = {"service": "web/web", "exitCode": 4}
    yield Case(_act(stage, "exit 4"), ("Repair", "4", LOG), advice, data)


@produces("E_ACTION_TIMEOUT")
def _late_action(stage: Stage) -> Iterator[Case]:
    words = _act(stage, "sleep 600", timeout="1s")
    advice = ("To see the log of its service", "查看其服务的日志")
    data = {"service": "web/web", "seconds": 1.0}
    yield Case(words, ("Repair", "1", LOG), advice, data)


@produces("E_IN_USE")
def _in_use(stage: Stage) -> Iterator[Case]:
    stage.here.write("store", {"store": idle()}, kind="basic")
    stage.write({"web": idle()}, requires=["store"])
    stage.here.done("up", "web")
    advice = ("Stop that module first", "请先停止这些模块")
    data = {"module": "store", "users": ["web"]}
    yield Case(("down", "store"), ("store", "web", "--cascade"), advice, data)


@produces("E_IMAGE_PULL")
def _pull(stage: Stage) -> Iterator[Case]:
    with registry() as server:
        image = f"{server.address}/team/broken:1"
        stage.write({"web": {"image": image}})
        advice = ("Check the network and the name of the image", "请检查网络和镜像名称")
        names = (image, "500", "aiserver-tray config set app.mirrors")
        yield Case(UP, names, advice, {"image": image, "notFound": False})


@produces("E_IMAGE_BUILD")
def _build(stage: Stage) -> Iterator[Case]:
    dockerfile = f"FROM {IMAGE}\nRUN echo no compiler && exit 3\n"
    stage.write({"web": {"build": {"context": ".", "dockerfile_inline": dockerfile}}})
    names = ("aiserver/web/web:local", "no compiler", "aiserver-tray build web")
    advice = ("Fix its Dockerfile", "请修正其 Dockerfile")
    yield Case(("build", "web"), names, advice, {"image": "aiserver/web/web:local"})


@produces("E_NAME_CONFLICT")
def _name(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()})
    stage.engine.containers.create(IMAGE, name="ai-web")
    advice = ("Rename or remove it, then try again.", "请将其重命名或删除，然后重试。")
    data = {"kind": "container", "name": "ai-web", "installation": None}
    yield Case(UP, ("ai-web",), advice, data)


@produces("E_CATALOG")
def _catalog(stage: Stage) -> Iterator[Case]:
    folder = stage.write({"web": idle(restrat="no")})
    names = (f"{folder}/compose.yaml:", "services.web.restrat")
    yield Case(UP, names, ("expected a key that is allowed here", "此处不允许使用键"), {})


@produces("E_TRUST")
def _trust(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle(cap_add=["NET_ADMIN"])})
    stage.here.app.settings.distrust("web")
    names = ("web", "NET_ADMIN", "aiserver-tray up web --trust web")
    yield Case(UP, names, ("If you trust who wrote it", "如果您信任其作者"), {})


@produces("E_SETTING")
def _setting(stage: Stage) -> Iterator[Case]:
    web = idle(command=["sleep", "${WEB_SECONDS}"])
    stage.write({"web": web}, settings={"WEB_SECONDS": {"type": "text"}})
    advice = ("Set it with", "请运行以下命令设置")
    names = ("web.WEB_SECONDS", "aiserver-tray config set web.WEB_SECONDS")
    yield Case(UP, names, advice, {"name": "web.WEB_SECONDS"})


@produces("E_RESOURCES")
def _resources(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()}, needs={"memory": "100t"})
    advice = ("Give the engine more memory", "请为引擎分配更多内存")
    data = {"resource": "memory", "module": "web", "needed": 100 * 1024**4}
    yield Case(UP, ("web", "102400 GB"), advice, data)


@produces("E_BUSY")
def _busy(stage: Stage) -> Iterator[Case]:
    stage.write({"web": idle()})
    installation = [stage.here.app.settings.installation_id, str(stage.here.home)]
    words = [stage.engine_id, "aiserver-tray down web", *installation, "web"]
    command = [sys.executable, lock_holder.__file__, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            data = {"module": "web", "pid": process.pid, "command": words[1], "home": None}
            names = ("web", str(process.pid), "aiserver-tray down web")
            advice = (
                "Wait until it finishes, or end that process.",
                "请等待其完成，或结束该进程。",
            )
            yield Case((*UP, "--no-wait"), names, advice, data)
        finally:
            process.kill()


@produces("E_CANCELLED")
def _cancelled(stage: Stage) -> Iterator[Case]:
    stage.write({"web": gated()})
    engine = stage.engine_id

    def interrupt(running: Running) -> None:
        eventually(
            lambda: holders(engine) and stage.engine.containers.list(), "locks and a container"
        )
        running.interrupt()

    advice = ("Run the same command again to continue", "再次运行同一命令即可继续")
    data = {"kind": "up", "modules": ["web"]}
    names = ("`aiserver-tray down web`",)
    yield Case(UP, names, advice, data, code=130, meddle=interrupt)


@produces("E_RUNTIME")
def _refused(stage: Stage) -> Iterator[Case]:
    # Not an unknown driver: the engine looks for its plugin for fifteen seconds.
    data = {"driver_opts": {"nowhere": "1"}}
    stage.write({"web": idle(volumes=["data:/data"])}, top={"volumes": {"data": data}})
    advice = ("Fix the cause, then try again", "请排除原因后重试")
    yield Case(UP, ("400", "nowhere", "aiserver-tray doctor"), advice, {"status": 400})


# -- what is looked at -----------------------------------------------------------------------------


def codes(root: type[AiServerError]) -> set[str]:
    """Those of a class and all below it."""
    return {root.code}.union(*map(codes, root.__subclasses__()))


def test_every_code_there_is_has_a_test() -> None:
    assert {*PRODUCERS} == codes(AiServerError) - ELSEWHERE


def place(stage: Stage, case: Case) -> list[str]:
    """The options that say which installation and engine are meant."""
    here = stage.here
    host = here.host if case.host is None else case.host
    options = ["--home", str(here.home), "--catalog", str(here.catalog)]
    return [*options, "--engine", host] if host else options


def run(stage: Stage, case: Case, *options: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of the case's command."""
    words = [*case.words, *options, *place(stage, case)]
    if case.prefix or case.meddle:
        status, output, errors = _start(case, words)
    else:
        status, output, errors = forked.run(words, os.environ, LIMIT)
    everything = output + errors
    assert "Traceback" not in everything, everything
    assert SECRET not in everything
    return status, output, errors


def _start(case: Case, words: Sequence[str]) -> tuple[int, str, str]:
    """As `run`, of a program that something is done to, before it or while it runs."""
    command = [*case.prefix, sys.executable, "-m", "aiserver_tray", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            if case.meddle:
                case.meddle(Running(process))
            output, errors = process.communicate(timeout=LIMIT)
        finally:
            process.kill()
    return process.returncode, output, errors


@pytest.fixture
def stage(here: Installation, engine: docker.DockerClient, tmp_path: Path) -> Stage:
    folder = tmp_path / "empty"
    folder.mkdir()
    here.set("app.language", "en")
    return Stage(here, engine, folder)


@pytest.mark.parametrize("code", PRODUCERS)
def test_an_error_is_reported_with_code_cause_and_remedy(code: str, stage: Stage) -> None:
    with contextmanager(PRODUCERS[code])(stage) as case:
        # What is advised has the options; whose command it is that is at work is a fact.
        options = [] if code == "E_BUSY" else place(stage, case)
        called = shlex.join(("aiserver-tray", *options))
        names = [name.replace("aiserver-tray", called) for name in case.names]
        status, output, errors = run(stage, case)
        assert (status, output) == (case.code, ""), errors
        told = errors[errors.index("E_") :]
        assert told.startswith(f"{code}: ")
        for part in (*names, case.advice[0]):
            assert part in told, told

        stage.here.set("app.language", "zh")
        status, output, errors = run(stage, case, "--json")
        assert status == case.code, errors
        answer = json.loads(output)
        assert (answer["success"], answer["code"]) == (False, code)
        for part in (*names, case.advice[1]):
            assert part in answer["message"], answer["message"]
        assert re.search(r"[\u4e00-\u9fff]", answer["message"])
        assert f"{code}: {answer['message']}".splitlines()[0] in errors
        assert {**answer["data"], **case.data} == answer["data"]
        if code in SPECIAL:
            SPECIAL[code](answer["data"])


def _of_port(data: Mapping[str, Any]) -> None:
    assert re.fullmatch(r"\S+（进程 \d+）", data["owner"])
    assert data["free"] != data["port"]
    with socket.create_server(("127.0.0.1", data["free"])):
        """It is free."""


def _of_exited(data: Mapping[str, Any]) -> None:
    assert data["lines"][0] == "it is cold"
    assert data["lines"][1].startswith("key ")


def _of_pull(data: Mapping[str, Any]) -> None:
    (tried,) = data["tried"]
    assert tried["source"] == data["image"]
    assert "500" in tried["why"]


def _of_build(data: Mapping[str, Any]) -> None:
    assert "no compiler" in "\n".join(data["lines"])


def _of_catalog(data: Mapping[str, Any]) -> None:
    (problem,) = data["problems"]
    assert problem["file"].endswith("web/compose.yaml")
    assert problem["line"] > 1
    assert problem["key"] == "services.web.restrat"


SPECIAL: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
    "E_PORT_CONFLICT": _of_port,
    "E_EXITED": _of_exited,
    "E_IMAGE_PULL": _of_pull,
    "E_IMAGE_BUILD": _of_build,
    "E_CATALOG": _of_catalog,
}
"""What can't be said beforehand of a code's data."""
