"""What each channel answers, whatever carries it."""

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.contract import CHANNELS, Json
from aiserver_tray.masking import MASK
from tests.contract.asking import ask, given, refused
from tests.contract.carriers import Carrier, Make
from tests.contract.host import PORT, SECRET, Host
from tests.support.waiting import eventually

BASE = {"name": "base"}
PAYLOADS: Mapping[str, Json] = {
    "ai/config/set": {"name": PORT, "value": "18997"},
    "ai/logs/client/append": {"message": "a line of a page"},
    "ai/module/clear": BASE,
    "ai/module/firstStart": BASE,
    "ai/module/logsAttach": {**BASE, "streamId": "each"},
    "ai/module/logsDetach": {"streamId": "each"},
    "ai/module/open": {"name": "web"},
    "ai/module/restart": BASE,
    "ai/module/start": BASE,
    "ai/module/status": BASE,
    "ai/module/stop": BASE,
    "ai/operation/start": {"kind": "stop", "modules": ["base"], "untilEnd": True},
    "ai/system/openExternal": {"url": "http://127.0.0.1:9/a?b=c"},
}
"""Channel -> what it takes, where that is not nothing."""

OPERATION_CHANNELS = ("ai/operation/cancel", "ai/operation/wait")
"""They need one that was begun before."""

NAMING_CHANNELS = [
    channel
    for channel, takes in CHANNELS.items()
    if "name" in takes.model_fields and channel != "ai/module/logsDetach"
]
"""There may be nothing to detach from, whatever its name."""


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_channel_does_what_it_is_asked(carrier: Carrier, channel: str) -> None:
    payload = PAYLOADS.get(channel, {})
    if channel in OPERATION_CHANNELS:
        payload = {"id": given(carrier, "ai/operation/start", kind="stop")["operationId"]}

    assert ask(carrier, channel, payload)["success"]


@pytest.mark.parametrize("payload", [{"nonsense": 1}, ["list"], "text", 7, True])
def test_a_payload_that_is_none_is_refused(carrier: Carrier, payload: object) -> None:
    for channel in CHANNELS:
        refused(carrier, channel, payload, "E_REQUEST")


@pytest.mark.parametrize(
    ("channel", "payload", "field"),
    [
        ("ai/module/start", {}, "name"),
        ("ai/module/start", {"name": ""}, "name"),
        ("ai/module/start", {"name": "web", "wait": "perhaps"}, "wait"),
        ("ai/module/logs", {"tail": 0}, "tail"),
        ("ai/operation/start", {"kind": "explode"}, "kind"),
        ("ai/window/show", {"page": "../settings"}, "page"),
        ("ai/operation/cancel", {"id": "no such"}, "id"),
    ],
)
def test_it_is_told_which_field_is_wrong(
    carrier: Carrier, channel: str, payload: Json, field: str
) -> None:
    assert field in refused(carrier, channel, payload, "E_REQUEST")["data"]["fields"]


def test_an_unknown_channel_is_refused_with_near_ones(carrier: Carrier) -> None:
    assert "ai/module/start" in refused(carrier, "ai/module/strat", {}, "E_REQUEST")["message"]


@pytest.mark.parametrize("channel", NAMING_CHANNELS)
def test_an_unknown_name_is_told_with_near_ones(carrier: Carrier, channel: str) -> None:
    is_setting = channel.startswith("ai/config/")
    right, wrong = ("web.WEB_PORT", "web.WEB_PROT") if is_setting else ("base", "bsae")
    more = {"streamId": "any"} if channel == "ai/module/logsAttach" else {}
    more |= {"value": "1"} if channel == "ai/config/set" else {}

    told = refused(carrier, channel, {"name": wrong, **more}, "E_UNKNOWN")

    assert right in told["message"]
    assert right in told["data"]["near"]


def test_secrets_are_never_shown(carrier: Carrier, host: Host) -> None:
    secret = "a-secret-of-the-user"
    told = ask(carrier, "ai/config/set", {"name": SECRET, "value": secret})
    (entry,) = told["data"]["entries"]
    every = given(carrier, "ai/config/get")

    assert (entry["address"], entry["value"], entry["origin"]) == (SECRET, MASK, "set")
    assert entry in every["entries"]
    assert secret not in str((told, every))
    assert host.app.settings.values({SECRET: host.app.declared[SECRET]}) == {SECRET: secret}


def test_a_setting_is_set_and_taken_back(carrier: Carrier) -> None:
    def value() -> tuple[str, str]:
        (entry,) = given(carrier, "ai/config/get", name=PORT)["entries"]
        return entry["value"], entry["origin"]

    given(carrier, "ai/config/set", name=PORT, value="18900")
    assert value() == ("18900", "set")
    refused(carrier, "ai/config/set", {"name": PORT, "value": "no port"}, "E_SETTING")
    assert value() == ("18900", "set")
    given(carrier, "ai/config/set", name=PORT, value=None)
    assert value() == ("18998", "default")


def test_the_chosen_modules_are_remembered(carrier: Carrier) -> None:
    assert given(carrier, "ai/config/choose", modules=["web", "talk"])["chosen"] == ["web", "talk"]
    refused(carrier, "ai/config/choose", {"modules": ["wbe"]}, "E_UNKNOWN")
    assert given(carrier, "ai/config/choose")["chosen"] == ["web", "talk"]


def test_only_the_web_is_opened(carrier: Carrier, opened: Path) -> None:
    for url in ("file:///etc/passwd", "javascript:alert(1)", "ftp://a/", "http://a b/", "http:"):
        refused(carrier, "ai/system/openExternal", {"url": url}, "E_REQUEST")
    opened.unlink(missing_ok=True)

    given(carrier, "ai/system/openExternal", url="https://127.0.0.1:9/page?a=1&b=2")

    assert eventually(opened.read_text, "the browser") == "https://127.0.0.1:9/page?a=1&b=2\n"


def test_windows_and_the_end_are_asked_of_the_process(carrier: Carrier, host: Host) -> None:
    quits = host.around.quits

    given(carrier, "ai/window/show", page="settings")
    url = given(carrier, "ai/module/open", name="web")["url"]
    refused(carrier, "ai/module/open", {"name": "base"}, "E_REQUEST")
    given(carrier, "ai/app/quit")

    assert host.around.pages[-1] == "settings"
    assert host.around.modules[-1] == "web"
    assert re.fullmatch(r"http://localhost:\d+", url)
    assert host.around.quits == quits + 1


def test_what_a_page_reports_is_one_line_of_the_log(
    carrier: Carrier, caplog: pytest.LogCaptureFixture
) -> None:
    message = "it broke\nat 第 2 行"

    given(carrier, "ai/logs/client/append", level="error", message=message)

    line = message.encode("unicode_escape").decode()
    assert ("aiserver_tray.page", 40, line) in caplog.record_tuples


def test_texts_are_in_the_clients_language(make: Make) -> None:
    with closing(make("zh")) as carrier:
        told = refused(carrier, "ai/module/status", {"name": "wbe"}, "E_UNKNOWN")
        modules = given(carrier, "ai/modules/list", type="feature")["items"]
        settings = given(carrier, "ai/config/get", name="app.language")["entries"]
        snapshot = given(carrier, "ai/snapshot/get")

    assert re.search("[一-鿿]", told["message"])
    assert ("web", "网页") in [(it["name"], it["title"]) for it in modules]
    assert ("web", "网页") in [(it["name"], it["title"]) for it in snapshot["modules"]]
    assert settings[0]["title"] == "语言"
