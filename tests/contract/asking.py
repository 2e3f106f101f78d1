"""Asking over a carrier."""

import json

from aiserver_tray.contract import Envelope, Json
from tests.contract.carriers import Carrier


def ask(carrier: Carrier, channel: str, payload: object = None) -> Envelope:
    """The answer, which is an envelope as it should be."""
    answer = carrier.invoke(channel, payload)
    assert set(answer) == {"success", "code", "message", "data"}, answer
    assert answer["success"] is (answer["code"] is None), answer
    assert isinstance(answer["data"], dict), answer
    assert bool(answer["message"]) or answer["success"], answer
    assert "Traceback" not in json.dumps(answer), answer
    return answer


def given(carrier: Carrier, channel: str, **payload: object) -> Json:
    """What an answer brings that is a yes."""
    answer = ask(carrier, channel, payload)
    assert answer["success"], answer
    return dict(answer["data"])


def refused(carrier: Carrier, channel: str, payload: object, code: str) -> Envelope:
    """An answer that is a no, for the reason *code*."""
    answer = ask(carrier, channel, payload)
    assert answer["code"] == code, answer
    return answer
