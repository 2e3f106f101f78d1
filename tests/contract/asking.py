"""Calls of channels, and checks that hold for every answer."""

import json
from typing import Any, Protocol

from aiserver_tray.protocol.message import Envelope, Json


class Core(Protocol):
    """The core itself, or a carrier that leads to it."""

    def invoke(self, channel: str, payload: Any = None) -> Envelope:  # noqa: ANN401 - JSON
        """The answer of *channel*."""


def ask(core: Core, channel: str, payload: object = None) -> Envelope:
    """The answer, which is a valid envelope."""
    answer = core.invoke(channel, payload)
    assert set(answer) == {"success", "code", "message", "data"}, answer
    assert answer["success"] is (answer["code"] is None), answer
    assert isinstance(answer["data"], dict), answer
    assert bool(answer["message"]) or answer["success"], answer
    assert "Traceback" not in json.dumps(answer), answer
    return answer


def given(core: Core, channel: str, **payload: object) -> Json:
    """The data of an answer that must be a success."""
    answer = ask(core, channel, payload)
    assert answer["success"], answer
    return dict(answer["data"])


def refused(core: Core, channel: str, payload: object, code: str) -> Envelope:
    """An answer that must be the error *code*."""
    answer = ask(core, channel, payload)
    assert answer["code"] == code, answer
    return answer


def begin(core: Core, kind: str, *modules: str) -> str:
    """The id of an operation that was just started."""
    begun = given(core, "ai/operation/start", kind=kind, modules=modules)
    return str(begun["operationId"])


def states(core: Core) -> dict[str, str]:
    """Module -> its state now."""
    modules = given(core, "ai/snapshot/get")["modules"]
    return {module["name"]: module["state"] for module in modules}
