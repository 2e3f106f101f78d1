"""One process owns the core; ``serve`` gives it up to a tray."""

import os
from queue import SimpleQueue
from threading import Event, Thread, Timer

import pytest

from aiserver_tray.base.errors import AlreadyRunningError, CancelledError, RemoteError, SettingError
from aiserver_tray.carriers.local.client import Client
from aiserver_tray.carriers.local.place import Instance
from aiserver_tray.carriers.local.server import Server
from aiserver_tray.core.app import App
from aiserver_tray.owner import claim as claims
from aiserver_tray.owner.claim import Claim
from aiserver_tray.protocol.message import Envelope, Peer, answer
from aiserver_tray.state.facts import OperationChanged
from aiserver_tray.state.views import OperationView
from aiserver_tray.system.paths import runtime_folder
from tests.support import states
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted
from tests.support.surroundings import Recorded
from tests.unit.owner.owning import owned, owned_until_given_up, owning_process

NEVER = Event()
WORK = OperationView("1", "up", ("web",), status="running")
ENDED = OperationView("1", "up", ("web",), status="succeeded")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RETRY_SECONDS", 0.01)


def test_free_home_is_claimed_and_released(app: App) -> None:
    with Claim(app) as claim:
        claim.take_over(NEVER)
        claim.take_over(NEVER)  # it has it
        with pytest.raises(AlreadyRunningError), Instance(app.settings.home):
            raise AssertionError
    with Instance(app.settings.home):
        pass


def test_home_of_another_owner_is_not_claimed_without_asking_nor_from_a_tray(app: App) -> None:
    with owned_until_given_up(app) as (_, process), Claim(app) as claim:
        with pytest.raises(AlreadyRunningError):
            claim.take()
        assert not process.given_up.is_set()
    with owned(app, Recorded()), Claim(app) as claim:
        with pytest.raises(AlreadyRunningError) as refused:
            claim.take_over(NEVER)
        assert refused.value.data == {"pid": os.getpid()}


class Asking(Client):
    """Notes the refusals of an owner that is asked for the core."""

    refusals: SimpleQueue[str]

    def request(self, channel: str, *given: object, **more: object) -> dict[str, object]:
        try:
            return super().request(channel, *given, **more)  # type: ignore[arg-type]
        except RemoteError as error:
            self.refusals.put(error.code)
            raise


def test_one_that_has_an_operation_under_way_is_asked_until_that_has_ended(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Asking, "refusals", refusals := SimpleQueue[str](), raising=False)
    monkeypatch.setattr(claims, "Client", Asking)
    with owned_until_given_up(app) as (owner, process), Claim(app) as claim:
        owner.core.store.put(OperationChanged(WORK))
        owner.core.store.flush()
        reports = SimpleQueue[str]()
        waiting = Thread(target=claim.take_over, args=(NEVER, lambda: reports.put("busy")))
        waiting.start()
        assert [refusals.get(timeout=LIMIT) for _ in range(2)] == ["E_BUSY"] * 2
        assert not process.given_up.is_set()
        owner.core.store.put(OperationChanged(ENDED))
        waiting.join(LIMIT)
        assert process.given_up.is_set()
    assert reports.qsize() == 1


def test_the_wait_for_the_home_ends_by_closing_and_when_its_owner_is_killed(app: App) -> None:
    closing = Event()
    with owning_process(app) as process, Claim(app) as claim:
        Timer(0.1, closing.set).start()
        with pytest.raises(CancelledError):
            claim.take_over(closing)
        Timer(0.1, process.kill).start()
        claim.take_over(NEVER)


@pytest.mark.parametrize("hanging", ["ai/app/about", "owner/yield"])
def test_hanging_owner_does_not_block_the_exit_of_a_claimer(
    app: App, monkeypatch: pytest.MonkeyPatch, hanging: str
) -> None:
    monkeypatch.setattr(claims, "ANSWER_TIMEOUT_SECONDS", 0.2)
    closing, awake, answered = Event(), Event(), Event()

    def hang(_payload: object, _peer: Peer) -> Envelope:
        closing.set()
        awake.wait(LIMIT)
        answered.set()
        return answer({})

    owner = Scripted(states.running())
    owner.answers["ai/app/about"] = answer({"owner": "serve", "pid": 1})
    owner.handlers[hanging] = hang
    with Instance(app.settings.home):
        server = Server(app.settings.home, owner)
        server.start()
        try:
            with Claim(app) as claim, pytest.raises(CancelledError):
                claim.take_over(closing)
            assert not answered.is_set()
        finally:
            awake.set()
            server.close()


def test_home_that_cannot_be_locked_is_reported_with_the_reason(app: App) -> None:
    with Claim(app) as claim:
        claim.take()
        (lock,) = runtime_folder().glob("*-core.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    with Claim(app) as claim, pytest.raises(SettingError, match=lock.stem):
        claim.take_over(NEVER)
