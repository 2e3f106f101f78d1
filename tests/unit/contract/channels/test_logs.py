"""Who listens to what."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from aiserver_tray.contract.channel import Message
from aiserver_tray.contract.channels import logs
from aiserver_tray.contract.channels.dispatch import handlers_of
from aiserver_tray.contract.channels.logs import LogChannels
from aiserver_tray.contract.contract import Caller, Peer


class Silent:
    """A follower that hears nothing until it is closed."""

    made: list["Silent"]

    def __init__(self, *_: object) -> None:
        self.is_closed = threading.Event()
        self.may_end = threading.Event()
        self.made.append(self)

    def lines(self) -> Iterator[Any]:
        self.is_closed.wait(20)
        self.may_end.wait(20)
        return iter(())

    def close(self) -> None:
        self.is_closed.set()


def test_a_name_that_is_used_again_is_not_lost_with_its_first_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Silent, "made", [], raising=False)
    monkeypatch.setattr(logs, "Follower", Silent)
    snapshot = SimpleNamespace(modules=[SimpleNamespace(name="web")])
    core: Any = SimpleNamespace(engine=None, store=SimpleNamespace(snapshot=snapshot))
    channels, ended = LogChannels(core), threading.Event()

    def send(_message: Message) -> None:
        ended.set()

    caller = Caller(Peer("page", "en", send), "en")
    handlers = handlers_of([channels])
    attach, detach = (handlers[f"ai/module/logs{end}"] for end in ("Attach", "Detach"))
    before = set(threading.enumerate())
    attach.answer({"name": "web", "streamId": "s"}, caller)
    (thread,) = set(threading.enumerate()) - before
    detach.answer({"streamId": "s"}, caller)
    attach.answer({"name": "web", "streamId": "s"}, caller)
    first, second = Silent.made
    first.may_end.set()
    thread.join(20)
    assert ended.is_set()
    assert not second.is_closed.is_set()
    channels.forget(caller.peer)
    assert second.is_closed.is_set()
    second.may_end.set()
