"""The whole built-in catalog on the lab's engine, as one person's stack. ``tests/lab/README.md``
says which of its software is real there, and which a stand-in.

The tests share one stack, since it takes long to start, and each leaves it running.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from secrets import token_hex

import pytest

from aiserver_tray.base.errors import SettingError
from aiserver_tray.operations.request import Request
from aiserver_tray.spec.labels import CONFIG_OF
from aiserver_tray.state.views import Snapshot
from tests.engine.whole_access import is_opened_to
from tests.engine.whole_course import Course
from tests.engine.whole_move import NOT_MOVED, add_work, moved, secrets_of, settings_of, work_of
from tests.engine.whole_rounds import ROUNDS, Change
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.second_host import second_host
from tests.support.whole.catalog import (
    ANSWERS,
    CATALOG,
    DECLARED,
    EVERY,
    KEPT,
    KINDS,
    LASTING,
    PORTS,
    SECRETS,
    default,
)
from tests.support.whole.differing import override
from tests.support.whole.stack import Stack, started
from verifier import log_ins
from verifier.images import images_of, missing_program
from verifier.log_ins import Stack as LogIns
from verifier.log_ins import why_refused

pytestmark = pytest.mark.timeout(1200)

SERVICES = sorted(KINDS, key=lambda service: service not in LASTING)
"""In the order in which they are killed."""
CHANGES = [
    pytest.param(change, id=f"{change}, round {number} of {len(ROUNDS)}")
    for number, changes in enumerate(ROUNDS, 1)
    for change in changes
]
CHOICES = [change for changes in ROUNDS for change in changes if change.answer]


@pytest.fixture(scope="module")
def stack(lab: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything, running."""
    with started(lab, tmp_path_factory.mktemp("whole")) as stack:
        yield stack


@pytest.fixture(scope="module")
def course(stack: Stack) -> Course:
    """Kills and changes, which several tests share."""
    return Course(stack)


def test_every_setting_has_its_round() -> None:
    wanted = {Change(address) for address in (*PORTS, *SECRETS)}
    for address, answers in ANSWERS.items():
        wanted |= {Change(address, answer) for answer in (*answers, default(address))}
    placed = [change for changes in ROUNDS for change in changes]
    assert len(placed) == len(wanted)
    assert {*placed} == wanted


def test_every_service_is_healthy_and_every_job_done(stack: Stack) -> None:
    found = {m.name: m for m in stack.core.store.snapshot.modules}
    assert found.keys() == CATALOG.modules.keys()
    for module in found.values():
        assert (module.state, module.ready) == ("running", module.total), module
        for service in module.services:
            wanted = ("exited", 0) if service.is_job else ("running", "healthy")
            shown = service.exit_code if service.is_job else service.health
            assert (service.state, shown) == wanted, service


NAMED = {
    f"ai-{module.name}-{volume}"
    for module in CATALOG.modules.values()
    for volume in module.section("volumes")
}
"""The volumes that the files name. Backups leave out others, which images declare."""


def test_every_volume_is_declared_in_a_file(stack: Stack) -> None:
    there = {one.name: one.attrs["Labels"] or {} for one in stack.client.volumes.list()}
    assert {name for name, labels in there.items() if CONFIG_OF not in labels} <= NAMED


@pytest.mark.parametrize("service", SERVICES, ids="/".join)
def test_a_killed_service_shows_and_heals(course: Course, service: tuple[str, str]) -> None:
    outcome = course.outcome(service)
    victim = outcome.victim_of(service)
    assert victim.shown_in is not None, "it was killed, and no snapshot said so"
    assert victim.healthy_in is not None, "it was not healthy again"
    assert victim.shown_in < victim.healthy_in
    assert victim.restarted != victim.started
    outcome.check()


@pytest.mark.parametrize("change", CHANGES)
def test_only_the_users_of_a_setting_are_recreated(course: Course, change: Change) -> None:
    """Just these were foretold for each setting, and all that a round does is the sum of that."""
    outcome = course.outcome(change)
    outcome.check()
    before = outcome.before.keys()
    foretold = outcome.foretold[change]
    assert foretold.effects == {
        "recreate": foretold.before & change.users - change.removed,
        "create": change.added.intersection(EVERY) - foretold.before,
        "remove": foretold.before & change.removed,
    }
    assert outcome.recreated & change.users == outcome.both & change.users
    all_of_round = next(changes for changes in ROUNDS if change in changes)
    assert outcome.recreated <= set().union(*(one.users for one in all_of_round))
    switched = set().union(*(one.added | one.removed for one in all_of_round))
    assert before ^ outcome.after.keys() <= switched


@pytest.mark.parametrize("choice", CHOICES, ids=str)
def test_a_choice_has_its_services_and_no_others(course: Course, choice: Change) -> None:
    outcome = course.outcome(choice)
    outcome.check()
    after = outcome.after.keys()
    assert choice.added.intersection(EVERY) <= after
    assert not choice.removed & after


@pytest.mark.parametrize("address", KEPT)
def test_a_kept_secret_is_not_changed(stack: Stack, address: str) -> None:
    with pytest.raises(SettingError, match="stored data"):
        stack.here.set(address, token_hex(8))
    with pytest.raises(SettingError, match="stored data"):
        stack.here.app.settings.change(DECLARED, {address: None})


def test_every_health_check_can_run_in_its_image(stack: Stack) -> None:
    engine = stack.core.engine
    found = {}
    for name, used in images_of(CATALOG, CATALOG.modules).items():
        have_image(stack.client, name)
        image = engine.images.find(name)
        assert image is not None
        for check, services in used.checks.items():
            found[name, *services] = missing_program(engine, "installation", image, check)
    assert {"/".join(one) for one in EVERY} <= {*chain.from_iterable(s for _, *s in found)}
    assert not [*filter(None, found.values())], found


def refusals(stack: Stack, secret: Callable[[str], str]) -> dict[str, str | None]:
    """Module -> why a user can't log in there with these secrets."""
    return {name: why_refused(LogIns(stack.core, secret), name) for name in CATALOG.modules}


FIRST_START = {
    "langgenius/dify-api": 180,  # the migration, and then the API
    "langgenius/dify-web": 30,
    "langgenius/dify-plugin-daemon": 60,
    "infiniflow/ragflow": 360,
    "elasticsearch": 60,
    "justsong/one-api": 30,
}
"""Image -> seconds until it is ready for the first time on a slow computer."""
FACTOR = 12
"""Stand-ins take that many times less."""


def slow(image: str) -> dict[str, dict[str, str]] | None:
    """What differs of a service of *image* that takes its time."""
    if image not in FIRST_START:
        return None
    return {"environment": {"LAB_READY_AFTER": str(FIRST_START[image] / FACTOR)}}


def pages_run_only_beside_their_api(seen: Iterable[Snapshot]) -> None:
    """See that Dify's pages, which are rendered with answers of its API, start after it."""
    modules = (module for now in seen for module in now.modules if module.name == "dify")
    services = [{service.name: service for service in module.services} for module in modules]
    assert {one["api"].health for one in services} >= {"starting", "healthy"}
    started = [one for one in services if one["web"].state == "running"]
    assert {one["api"].health for one in started} == {"healthy"}


def up_slowly(stack: Stack) -> None:
    """Start everything with stand-ins that take their time. See that nothing fails on the way."""
    override(stack.catalog, slow)
    with stack.snapshots() as seen:
        stack.up()
        stack.runs()
    states = {module.state for now in seen for module in now.modules}
    assert states == {"stopped", "starting", "running"}
    pages_run_only_beside_their_api(seen)


def all_is_there_on_another_engine(stack: Stack, marks: dict[str, str], folder: Path) -> None:
    """See that one file brings everything there. All is stopped here then."""
    work, settings = work_of(stack), settings_of(stack)
    with moved(stack, folder) as (there, ports):
        assert refusals(there, secrets_of(there.here)) == dict.fromkeys(CATALOG.modules)
        assert work_of(there) == work
        assert settings_of(there) == settings | ports
        found = there.volumes("cat .mark 2>/dev/null || echo left")
        wanted = marks | dict.fromkeys(NOT_MOVED, "left")
        assert {n: found[n] for n in NAMED & found.keys()} == {
            n: wanted[n] for n in NAMED & marks.keys()
        }


@pytest.mark.timeout(1200)
def test_all_data_is_there_on_another_engine_and_after_down_and_a_slow_up(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secrets_of(stack.here)
    let_in = dict.fromkeys(CATALOG.modules)
    assert refusals(stack, secret) == let_in
    add_work(stack)
    marks = stack.volumes('echo "$(hostname) $1" >.mark; cat .mark')
    # So that Dify migrates its database again, there and here.
    drop = ["psql", "-U", "postgres", "-d", "dify", "-c", "DROP TABLE standin_version"]
    assert stack.client.containers.get("ai-postgres").exec_run(drop).exit_code == 0
    all_is_there_on_another_engine(stack, marks, tmp_path)
    stack.run(Request("down"))
    assert not stack.client.containers.list(all=True)
    up_slowly(stack)
    assert stack.volumes("cat .mark") == marks
    assert refusals(stack, secret) == let_in
    for account in ("PASSWORD", "RAGFLOW_PASSWORD"):
        monkeypatch.setattr(log_ins, account, "Wrong-for-all-0f-them")
    wrong = refusals(stack, lambda _: "wrong-for-all-of-them")
    # These have no users.
    assert {name for name, why in wrong.items() if not why} == {"gateway", "searxng"}, wrong


def test_modules_are_opened_to_the_network_without_their_setup(
    stack: Stack, tmp_path: Path
) -> None:
    """The last test, since they stay open."""
    with second_host() as device:
        is_opened_to(stack, device, tmp_path)
