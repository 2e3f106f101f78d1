"""What each carrier makes of the answers and events of a scripted core.

Where a test leaves out a carrier, tests of ``unit/contract`` or ``desktop`` show the
same for that carrier.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from aiserver_tray.features.logs.events import LOG
from aiserver_tray.features.predecessor.events import STATUS
from aiserver_tray.features.stack.events import PROGRESS, SNAPSHOT
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.channel import Handler, dispatch
from aiserver_tray.protocol.message import Caller, Envelope, Json, Peer, answer
from tests.contract.asking import ask, given, refused
from tests.contract.carriers import Carrier
from tests.contract.heard import expect, first
from tests.contract.payloads import PAYLOADS
from tests.contract.tray import LANGUAGE, Tray
from tests.support import states
from tests.support.limits import LIMIT
from tests.support.scripted import Scripted
from tests.support.waiting import eventually

CHANNELS = every_channel()

ONLY_WINDOW = pytest.mark.parametrize("carrier", ["JS bridge"], indirect=True)
ONLY_PAGES = pytest.mark.parametrize("carrier", ["HTTP", "JS bridge"], indirect=True)

OPEN = "ai/system/openExternal"
"""The window answers it itself."""

ERROR: Envelope = {
    "success": False,
    "code": "E_IN_USE",
    "message": "“base” is in use by 网页.\nStop it first: </script> \\ ' \" \u2028",
    "data": {"module": "base", "users": ["web"], "errors": [{"code": "E", "data": {"n": 1.5}}]},
}


@pytest.fixture(scope="module")
def script() -> Scripted:
    return Scripted(states.running())


@pytest.fixture(scope="module")
def clients(tray: Tray, script: Scripted) -> Iterator[Mapping[str, Carrier]]:
    with tray.clients(script) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_script(script: Scripted) -> Iterator[None]:
    yield
    for written in (script.answers, script.handlers, script.calls, script.callers):
        written.clear()


# -- answers ---------------------------------------------------------------------------------------


def test_each_channel_reaches_the_core_and_its_answer_the_client(
    carrier: Carrier, script: Scripted
) -> None:
    channels = [name for name in CHANNELS if name not in carrier.own_channels]
    script.handlers = {name: _echo(name) for name in channels}

    with ThreadPoolExecutor(4) as threads:  # an answer could also reach another call's thread
        answers = threads.map(lambda name: given(carrier, name, **PAYLOADS.get(name, {})), channels)

    assert list(answers) == [
        {
            "channel": name,
            "payload": PAYLOADS.get(name, {}),
            "language": LANGUAGE,
            "kind": carrier.kind,
        }
        for name in channels
    ]


def _echo(channel: str) -> Any:  # noqa: ANN401 - a handler
    return lambda payload, peer: answer(
        {"channel": channel, "payload": payload, "language": peer.language, "kind": peer.kind}
    )


def test_an_error_comes_with_its_data(carrier: Carrier, script: Scripted) -> None:
    script.answers["ai/module/stop"] = ERROR

    assert ask(carrier, "ai/module/stop", {"name": "base"}) == ERROR


@pytest.mark.parametrize("payload", [{"nonsense": 1}, ["list"], "text", 7, True, {}, {"name": ""}])
def test_a_payload_of_a_wrong_form_is_refused(
    carrier: Carrier, script: Scripted, payload: object
) -> None:
    script.handlers["ai/module/start"] = _refusal("ai/module/start")

    told = refused(carrier, "ai/module/start", payload, "E_REQUEST")

    if isinstance(payload, dict):  # the window refuses the others itself
        assert "name" in told["data"]["fields"]


def test_an_unknown_channel_is_refused_with_near_ones(carrier: Carrier, script: Scripted) -> None:
    script.handlers["ai/module/strat"] = _refusal("ai/module/strat")

    assert "ai/module/start" in refused(carrier, "ai/module/strat", {}, "E_REQUEST")["message"]


def _refusal(channel: str) -> Any:  # noqa: ANN401 - a handler
    handlers = {name: Handler(declared, None) for name, declared in CHANNELS.items()}
    return lambda payload, peer: dispatch(handlers, channel, payload, Caller(peer, peer.language))


@ONLY_WINDOW
def test_a_bug_in_the_core_becomes_an_answer(carrier: Carrier, script: Scripted) -> None:
    def fail(_payload: object, _peer: Peer) -> Envelope:
        raise ZeroDivisionError

    script.handlers["ai/operation/list"] = fail

    refused(carrier, "ai/operation/list", {}, "E_RUNTIME")

    assert given(carrier, "ai/module/status", name="base") == {}


@ONLY_PAGES
def test_a_call_that_waits_can_be_cancelled_by_another(carrier: Carrier, script: Scripted) -> None:
    cancelled = Event()

    def start(_payload: object, _peer: Peer) -> Envelope:
        assert cancelled.wait(LIMIT)
        return {**ERROR, "code": "E_CANCELLED"}

    def cancel(_payload: object, _peer: Peer) -> Envelope:
        cancelled.set()
        return answer({})

    script.handlers = {"ai/module/start": start, "ai/operation/cancel": cancel}
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(ask, carrier, "ai/module/start", {"name": "slow"})
        script.wait_for_call("ai/module/start")
        assert given(carrier, "ai/operation/list") == {}
        given(carrier, "ai/operation/cancel", id="1")

        assert waiting.result(LIMIT)["code"] == "E_CANCELLED"


@ONLY_WINDOW
def test_the_window_opens_only_web_pages(carrier: Carrier, opened: Path) -> None:
    for url in ("file:///etc/passwd", "javascript:alert(1)", "ftp://a/", "http://a b/", "http:"):
        refused(carrier, OPEN, {"url": url}, "E_REQUEST")
    for wrong in ({}, {"nonsense": 1}, ["list"]):
        refused(carrier, OPEN, wrong, "E_REQUEST")
    opened.unlink(missing_ok=True)

    given(carrier, OPEN, url="https://127.0.0.1:9/page?a=1&b=2")

    assert eventually(opened.read_text, "the browser") == "https://127.0.0.1:9/page?a=1&b=2\n"


# -- events ----------------------------------------------------------------------------------------


@ONLY_PAGES
def test_events_of_each_kind_come_in_order_and_snapshots_whole(
    carrier: Carrier, script: Scripted
) -> None:
    progress, statuses = carrier.heard.events(PROGRESS), carrier.heard.events(STATUS)
    snapshots = carrier.heard.events(SNAPSHOT)
    for done, shown in enumerate((states.starting(), states.failed(), states.running())):
        operation = {"operation": states.operation(done=done, steps=[{"kind": "wait"}])}
        status = {"name": "n8n", "status": answer({"done": done})}

        script.publish(PROGRESS, operation)
        script.publish(STATUS, status)
        script.show(shown)

        # Events of the test before may still be on their way.
        expect(progress, operation)
        expect(statuses, status)
        expect(snapshots, script.snapshot(LANGUAGE))


def test_lines_of_a_log_come_in_order_until_their_end(carrier: Carrier, script: Scripted) -> None:
    streams: dict[str, Peer] = {}

    def attach(payload: Json, peer: Peer) -> Envelope:
        streams[payload["streamId"]] = peer
        for number in range(100):
            chunk = f"行 {number}"
            peer.send(LOG.message({"streamId": "mine", "event": "stdout", "chunk": chunk}))
        return answer({})

    def detach(payload: Json, peer: Peer) -> Envelope:
        assert streams.pop(payload["streamId"]) is peer
        peer.send(LOG.message({"streamId": "mine", "event": "end"}))
        return answer({})

    script.handlers = {"ai/module/logsAttach": attach, "ai/module/logsDetach": detach}
    log = carrier.heard.events(LOG)
    given(carrier, "ai/module/logsAttach", name="n8n", streamId="mine")
    lines = [first(log, lambda told: told)["chunk"] for _ in range(100)]
    given(carrier, "ai/module/logsDetach", streamId="mine")

    assert lines == [f"行 {number}" for number in range(100)]
    assert first(log, lambda told: told) == {"streamId": "mine", "event": "end"}
