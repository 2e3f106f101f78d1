"""The whole built-in catalog on the lab's engine, as one person's stack; what of it is real there
and what a stand-in tells ``tests/lab/README.md``.

The tests here share one stack, which takes a while to start, and each leaves it running.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import docker
import pytest
import requests

from aiserver_tray.catalog.compose.load import load_project
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import config_environment
from aiserver_tray.catalog.setting import Setting
from aiserver_tray.core import Core
from aiserver_tray.errors import SettingError, each
from aiserver_tray.model import ModuleView, Snapshot
from aiserver_tray.operations.request import Request
from aiserver_tray.settings.app_settings import KERNEL_SETTINGS
from aiserver_tray.target.jobs import jobs_in
from catalog_table import load, names_used, rows
from tests.engine.n8n import OWNER
from tests.lab.fixtures import borrowed
from tests.lab.place import Place
from tests.support.installation import IMAGE, Installation, ended
from tests.support.ports import free_port
from tests.support.processes import kill

pytestmark = pytest.mark.timeout(600)

CATALOG = load()
DECLARED = CATALOG.declared
MAP_COUNT = Path("/proc/sys/vm/max_map_count")


def is_token(setting: Setting) -> bool:
    """Whether another module makes it."""
    return setting.token_of is not None


def tokens_for(address: str, answer: str) -> list[str]:
    """The tokens that an answer to a choice needs, which `connect` would make."""
    module = CATALOG.modules[address.partition(".")[0]]
    required = DECLARED[address].choices[answer].requires
    return [f"{module.name}.{n}" for n, provider in module.tokens.items() if provider in required]


def lasting(module: Module) -> list[str]:
    """The services of *module* that run on, under the default choices."""
    env = config_environment(CATALOG, module, None)
    project = load_project(module.source, env, profiles=module.profiles_with(env))
    return [name for name in project.services if name not in jobs_in(project)]


EVERY = {
    (module.name, row.service)
    for module in CATALOG.modules.values()
    for row in rows(CATALOG, module)
    if not row.is_job
}
LASTING = [(module.name, name) for module in CATALOG.modules.values() for name in lasting(module)]
SOON = 1.0
"""Seconds within which it shows that a service was killed."""
KILLS = 3
KEPT = [address for address, setting in DECLARED.items() if setting.keep]
PORTS = [address for address, setting in DECLARED.items() if setting.type == "port"]
SECRETS = [a for a, s in DECLARED.items() if s.is_secret and not s.keep and not is_token(s)]
CHOICES = [
    (address, answer)
    for address, setting in DECLARED.items()
    for answer in setting.choices
    if answer != setting.initial
]


@dataclass(frozen=True)
class Stack:
    """An installation, its core, which lives as long as the tests, and the engine."""

    here: Installation
    core: Core
    client: docker.DockerClient
    delays: dict[tuple[str, str], float] = field(default_factory=dict)
    """Module and service -> seconds from its end to when it showed."""

    def run(self, request: Request) -> None:
        """An operation. Raises ``AssertionError`` where it fails."""
        view = ended(self.core.operations.start(request))
        assert view.status == "succeeded", view.error and [*map(str, each(view.error))]

    def up(self) -> None:
        """All modules, as they are to be now, and seen running."""
        self.core.publish_modules()
        self.run(Request("up", all=True))
        self.runs()

    def runs(self) -> None:
        """Raises ``AssertionError`` where not everything gets to run by itself."""
        self.until(lambda now: {module.state for module in now.modules} == {"running"})

    def until(self, holds: Callable[[Snapshot], bool], limit: float = 120) -> Snapshot:
        """The first snapshot of which it holds. Raises ``AssertionError`` where none comes."""
        try:
            return self.core.store.wait_until(holds, limit)
        except TimeoutError:
            found = self.core.store.snapshot.modules
            raise AssertionError([(m.name, m.state, m.reason) for m in found]) from None

    def lasting(self) -> dict[tuple[str, str], str]:
        """Module and service -> its container's id, of all that are no jobs."""
        ids = {found.name: found.id for found in self.client.containers.list()}
        return {
            (module.name, service.name): ids[service.container]
            for module in self.core.store.snapshot.modules
            for service in module.services
            if not service.is_job
        }

    def set(self, address: str, value: str) -> None:
        """Give a setting a value."""
        self.here.set(address, value)

    def unset(self, *addresses: str) -> None:
        """Take values back; a secret is made anew."""
        for address in addresses:
            self.here.app.settings.unset(DECLARED, address)

    def volumes(self, command: str) -> dict[str, str]:
        """Volume -> what a shell *command* prints in it."""
        ours = self.client.volumes.list(filters={"label": "io.aiserver.module"})
        return {
            volume.name: self.client.containers.run(
                IMAGE,
                ["sh", "-c", command],
                working_dir="/volume",
                # Without nocopy, an empty volume would get the owner of the image's folder.
                volumes={volume.name: {"bind": "/volume", "mode": "rw,nocopy"}},
                remove=True,
            ).decode()
            for volume in ours
        }


@pytest.fixture(scope="module")
def stack(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything, running."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "none").mkdir()
    here = Installation(folder / "home", folder / "none", lab.host)
    before = MAP_COUNT.read_text(encoding="utf-8")
    with borrowed(lab) as client:
        client.images.pull(IMAGE)
        for address in PORTS:
            here.set(address, str(free_port()))
        here.set(KERNEL_SETTINGS, "true")
        try:
            with here.core() as core:
                found = Stack(here, core, client)
                found.up()
                yield found
        finally:
            MAP_COUNT.write_text(before, encoding="utf-8")


def users_of(address: str) -> set[tuple[str, str]]:
    """The services whose files have the setting in them."""
    name = address.partition(".")[2]
    return {
        (module.name, service)
        for module in CATALOG.modules.values()
        if CATALOG.scope(module).get(name) == address
        for service in module.section("services")
        if name in names_used(module, service)
    }


def only_users_are_recreated(stack: Stack, change: Callable[[], None], *addresses: str) -> None:
    """Change settings, and see who gets a new container; everything runs afterwards."""
    before = stack.lasting()
    change()
    stack.up()
    after = stack.lasting()
    both = before.keys() & after.keys()
    recreated = {service for service in both if before[service] != after[service]}
    assert recreated == set().union(*map(users_of, addresses)) & both
    for module, service in before.keys() ^ after.keys():
        assert CATALOG.modules[module].section("services")[service].get("profiles")


def test_every_service_is_healthy_and_every_job_done(stack: Stack) -> None:
    found = {m.name: m for m in stack.core.store.snapshot.modules}
    assert found.keys() == CATALOG.modules.keys()
    for module in found.values():
        assert (module.state, module.ready) == ("running", module.total), module
        for service in module.services:
            wanted = ("exited", 0) if service.is_job else ("running", "healthy")
            shown = service.exit_code if service.is_job else service.health
            assert (service.state, shown) == wanted, service


def test_nothing_is_kept_where_no_file_says(stack: Stack) -> None:
    named = {
        f"ai-{module.name}-{volume}"
        for module in CATALOG.modules.values()
        for volume in module.section("volumes")
    }
    assert {volume.name for volume in stack.client.volumes.list()} <= named


@pytest.mark.parametrize(("module", "service"), LASTING)
def test_a_killed_service_shows_and_heals(stack: Stack, module: str, service: str) -> None:
    killed_it_shows_and_heals(stack, module, service)


def killed_it_shows_and_heals(stack: Stack, module: str, service: str) -> None:
    """End a service as a crash would, and see that it is told of and comes back; again, where that
    took too long: a busy machine holds up one or the other."""
    delays: list[float] = []
    while len(delays) < KILLS and min(delays, default=SOON) >= SOON:
        delays.append(killed_it_heals(stack, module, service))
    stack.delays[module, service] = min(delays)


def killed_it_heals(stack: Stack, module: str, service: str) -> float:
    """Seconds until it shows that the service was killed; waits until it is back."""
    victim = stack.client.containers.get(stack.lasting()[module, service])
    started = victim.attrs["State"]["StartedAt"]

    def shows(now: Snapshot) -> bool:
        shown = shown_of(now, module)
        # A service that is called like its module is not named beside it.
        why = str(shown.reason).removeprefix(f"{service}: ")
        named = service == module or why != str(shown.reason)
        ended = "exit code 137" in why or "ended unexpectedly" in why
        return shown.state in ("error", "degraded") and named and ended

    kill(victim)
    killed = time.monotonic()
    stack.until(shows, limit=10)
    delay = time.monotonic() - killed
    stack.runs()
    victim.reload()
    assert victim.attrs["State"]["StartedAt"] != started
    return delay


def shown_of(snapshot: Snapshot, module: str) -> ModuleView:
    """What is shown of a module."""
    return next(m for m in snapshot.modules if m.name == module)


@pytest.mark.parametrize("address", PORTS)
def test_another_port(stack: Stack, address: str) -> None:
    only_users_are_recreated(stack, lambda: stack.set(address, str(free_port())), address)


# Before other secrets are set: with an account's key, RAGFlow's job would try the made-up token.
@pytest.mark.parametrize(("address", "answer"), CHOICES)
def test_another_choice_and_back(stack: Stack, address: str, answer: str) -> None:
    changed = [address, *tokens_for(address, answer)]

    def choose() -> None:
        for token in changed[1:]:
            stack.set(token, f"sk-{token_hex(24)}")
        stack.set(address, answer)

    only_users_are_recreated(stack, choose, *changed)
    for module, service in sorted(stack.lasting().keys() - {*LASTING}):
        killed_it_shows_and_heals(stack, module, service)
    only_users_are_recreated(stack, lambda: stack.unset(*changed), *changed)


def test_what_is_killed_shows_within_a_second(stack: Stack) -> None:
    assert stack.delays.keys() == EVERY
    assert {who: delay for who, delay in stack.delays.items() if delay >= SOON} == {}


@pytest.mark.parametrize("address", SECRETS)
def test_another_secret(stack: Stack, address: str) -> None:
    def change() -> None:
        if DECLARED[address].generate:
            stack.unset(address)
        else:
            stack.set(address, token_hex(8))

    only_users_are_recreated(stack, change, address)


@pytest.mark.parametrize("address", KEPT)
def test_a_kept_secret_is_not_changed(stack: Stack, address: str) -> None:
    with pytest.raises(SettingError, match="stored data"):
        stack.set(address, token_hex(8))
    with pytest.raises(SettingError, match="stored data"):
        stack.unset(address)


def test_all_data_is_there_after_down_and_up(stack: Stack) -> None:
    page = f"http://127.0.0.1:{stack.here.app.settings.values(DECLARED)['n8n.N8N_HOST_PORT']}"
    requests.post(f"{page}/rest/owner/setup", json=OWNER, timeout=30).raise_for_status()
    marks = stack.volumes("hostname > .mark; cat .mark")
    stack.run(Request("down"))
    assert not stack.client.containers.list(all=True)
    stack.up()
    assert stack.volumes("cat .mark") == marks
    login = {"emailOrLdapLoginId": OWNER["email"], "password": OWNER["password"]}
    requests.post(f"{page}/rest/login", json=login, timeout=30).raise_for_status()
