"""What each channel of the core does and answers, without a carrier."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from aiserver_tray.base.i18n import Language
from aiserver_tray.base.masking import MASK
from aiserver_tray.owner.features import every_channel
from aiserver_tray.protocol.channel import EVERYONE
from aiserver_tray.protocol.message import CallerKind, Json, Peer
from aiserver_tray.system import engine_install
from tests.contract.asking import ask, given, refused
from tests.contract.host import DirectCaller, Host
from tests.contract.payloads import PAYLOADS, PORT
from tests.support.waiting import eventually

CHANNELS = every_channel()
SECRET = "web.WEB_KEY"
OPERATION_CHANNELS = ("ai/operation/cancel", "ai/operation/wait")
"""They need one that was begun before."""

NAMING_CHANNELS = [
    name
    for name, channel in CHANNELS.items()
    if "name" in channel.reader.json_schema().get("properties", ())
    and name != "ai/module/logsDetach"
]
"""Any name is fine there: there may be nothing to detach from."""


REFUSED = [
    (name, kind)
    for name, channel in CHANNELS.items()
    for kind in sorted(EVERYONE - channel.callers)
]
"""Channel, and a kind of client that it is not for."""


OTHERS = {"owner/yield", "ai/rules/test", "ai/module/connect", "ai/module/disconnect"}
OTHERS |= {f"ai/backup/{n}" for n in ("check", "create", "delete", "inspect", "move", "restore")}
OTHERS |= {name for name in CHANNELS if name.startswith("ai/terminal/")}
OTHERS |= {name for name in CHANNELS if name.startswith("ai/upgrade/")} - {"ai/upgrade/list"}
OTHERS |= {name for name in CHANNELS if name.startswith("ai/adopt/")} - {"ai/adopt/list"}
OTHERS |= {"ai/export/write", "ai/action/run", "ai/action/cancel", "ai/doctor/trustHostKey"}
OTHERS |= {f"ai/access/{n}" for n in ("close", "link", "lock", "open", "plan")}
OTHERS |= {f"ai/models/{n}" for n in ("ask", "check", "remove", "use")}
OTHERS |= {"ai/assistant/propose"}
OTHERS |= {name for name in CHANNELS if name.startswith("ai/cluster/")} - {
    "ai/cluster/list", "ai/cluster/watch", "ai/cluster/unwatch",
}  # fmt: skip
OTHERS |= {f"ai/engine/own/{n}" for n in ("setUp", "restart", "remove", "room", "change")}
OTHERS |= {f"ai/models/own/{n}" for n in ("pull", "stop", "remove")}
"""Other tests have them: after owner/yield, no operation can begin; ai/rules/test needs a web
address, ai/module/connect and disconnect a module that issues access tokens, terminals and actions
a service that runs, backups a module with data and its backup, upgrades one with a newer version,
adoptions a program of others, host keys a server with ssh, addresses a module with a page and an
account, models a server that has some, clusters several engines, assistants a person, and the
engine of our own a Windows."""


@pytest.mark.parametrize("channel", sorted(CHANNELS.keys() - OTHERS))
def test_each_channel_does_what_it_is_asked(host: Host, channel: str, tmp_path: Path) -> None:
    payload = PAYLOADS.get(channel, {})
    with closing(host.caller(kind=min(CHANNELS[channel].callers))) as core:
        if channel == "ai/config/restore":
            given(core, "ai/config/apply", **PAYLOADS["ai/config/apply"])
        if channel in OPERATION_CHANNELS:
            payload = {"id": given(core, "ai/operation/start", kind="stop")["operationId"]}
        if channel == "ai/support/write":
            payload = {"path": str(tmp_path)}
        if channel == "ai/logs/next":
            given(core, "ai/logs/read", **PAYLOADS["ai/logs/read"])
        if channel == "ai/logs/entry":
            # The journal has a line about the beginning of the owner.
            lines = eventually(lambda: given(core, "ai/logs/lines", filter={})["lines"], "a line")
            payload = {"cursor": lines[0]["cursor"]}

        assert ask(core, channel, payload)["success"]


@pytest.mark.parametrize(
    "channel",
    [
        "ai/terminal/open",
        "ai/doctor/connection",
        "ai/doctor/trustHostKey",
        "ai/models/use",
        "ai/models/remove",
        *(f"ai/backup/{n}" for n in ("delete", "inspect", "key/save", "move", "restore")),
    ],
)
def test_a_client_on_another_computer_gets_no_terminal_and_no_data(
    host: Host, channel: str
) -> None:
    peer = Peer("browser", "en", lambda _message: None, is_local=False)
    answer = host.owner.api.invoke(channel, PAYLOADS.get(channel, {}), peer)
    assert (answer["code"], "127.0.0.1" in answer["message"]) == ("E_REQUEST", True)
    assert answer["data"]["isLocal"] is False


def test_a_host_key_that_was_not_shown_is_not_trusted(core: DirectCaller) -> None:
    name = "ai/doctor/trustHostKey"
    assert "not shown" in refused(core, name, PAYLOADS[name], "E_REQUEST")["message"]


@pytest.mark.parametrize(("channel", "kind"), REFUSED)
def test_a_channel_is_only_for_clients_of_its_kinds(
    host: Host, channel: str, kind: CallerKind
) -> None:
    refused(host.caller(kind=kind), channel, PAYLOADS.get(channel, {}), "E_REQUEST")


@pytest.mark.parametrize("payload", [{"nonsense": 1}, ["list"], [], "text", 7, True])
def test_missing_payload_is_refused(host: Host, payload: object) -> None:
    for name, channel in CHANNELS.items():
        refused(host.caller(kind=min(channel.callers)), name, payload, "E_REQUEST")


@pytest.mark.parametrize(
    ("channel", "payload", "field"),
    [
        ("ai/module/start", {}, "name"),
        ("ai/module/start", {"name": ""}, "name"),
        ("ai/module/start", {"name": "web", "wait": "perhaps"}, "wait"),
        ("ai/module/logs", {"tail": 0}, "tail"),
        ("ai/operation/start", {"kind": "explode"}, "kind"),
        ("ai/operation/cancel", {"id": "no such"}, "id"),
        ("ai/backup/inspect", {"id": "one", "file": "/two"}, "payload"),
        ("ai/backup/inspect", {"file": "relative.zip"}, "payload"),
    ],
)
def test_wrong_field_of_a_payload_is_named(
    core: DirectCaller, channel: str, payload: Json, field: str
) -> None:
    assert field in refused(core, channel, payload, "E_REQUEST")["data"]["fields"]


def test_an_unknown_channel_is_refused_with_near_ones(core: DirectCaller) -> None:
    assert "ai/module/start" in refused(core, "ai/module/strat", {}, "E_REQUEST")["message"]


@pytest.mark.parametrize("channel", NAMING_CHANNELS)
def test_an_unknown_name_is_reported_with_near_ones(core: DirectCaller, channel: str) -> None:
    is_setting = channel.startswith("ai/config/")
    right, wrong = ("web.WEB_PORT", "web.WEB_PROT") if is_setting else ("base", "bsae")
    more = {"streamId": "any"} if channel == "ai/module/logsAttach" else {}
    more |= {"value": "1"} if channel == "ai/config/set" else {}

    told = refused(core, channel, {"name": wrong, **more}, "E_UNKNOWN")

    assert right in told["message"]
    assert right in told["data"]["near"]


def test_secrets_are_never_shown(core: DirectCaller, host: Host) -> None:
    secret = "a-secret-of-the-user"
    told = ask(core, "ai/config/set", {"name": SECRET, "value": secret})
    (entry,) = told["data"]["entries"]
    every = given(core, "ai/config/get")

    assert (entry["address"], entry["value"], entry["origin"]) == (SECRET, MASK, "set")
    assert entry in every["entries"]
    assert secret not in str((told, every))
    assert host.app.settings.values({SECRET: host.app.declared[SECRET]}) == {SECRET: secret}


def test_a_setting_is_set_and_taken_back(core: DirectCaller) -> None:
    def value() -> tuple[str, str]:
        (entry,) = given(core, "ai/config/get", name=PORT)["entries"]
        return entry["value"], entry["origin"]

    given(core, "ai/config/set", name=PORT, value="18900")
    assert value() == ("18900", "set")
    refused(core, "ai/config/set", {"name": PORT, "value": "no port"}, "E_SETTING")
    assert value() == ("18900", "set")
    given(core, "ai/config/set", name=PORT, value=None)
    assert value() == ("18998", "default")


def test_a_setting_for_windows_is_neither_listed_nor_taken_elsewhere(
    core: DirectCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed() -> bool:
        return any(one["address"] == name for one in given(core, "ai/config/get")["entries"])

    name = "app.stop_unused_engine"
    assert not listed()
    told = refused(core, "ai/config/set", {"name": name, "value": "true"}, "E_REQUEST")
    assert "only on Windows" in told["message"]
    given(core, "ai/config/set", name=name, value=None)  # as after a move from there
    monkeypatch.setattr(engine_install, "SYSTEM", "windows")
    given(core, "ai/config/set", name=name, value="true")
    assert listed()


def test_the_chosen_modules_are_remembered(core: DirectCaller) -> None:
    assert given(core, "ai/config/choose", modules=["web", "talk"])["chosen"] == ["web", "talk"]
    refused(core, "ai/config/choose", {"modules": ["wbe"]}, "E_UNKNOWN")
    assert given(core, "ai/config/choose")["chosen"] == ["web", "talk"]


def test_only_the_web_is_opened(core: DirectCaller, opened: Path) -> None:
    for url in ("file:///etc/passwd", "javascript:alert(1)", "ftp://a/", "http://a b/", "http:"):
        refused(core, "ai/system/openExternal", {"url": url}, "E_REQUEST")
    opened.unlink(missing_ok=True)

    given(core, "ai/system/openExternal", url="https://127.0.0.1:9/page?a=1&b=2")

    assert eventually(opened.read_text, "the browser") == "https://127.0.0.1:9/page?a=1&b=2\n"


def test_show_and_quit_are_passed_to_the_process(core: DirectCaller, host: Host) -> None:
    quits, command = host.around.quits, host.caller(kind="command")

    told = refused(command, "ai/window/show", {"page": "../settings"}, "E_REQUEST")
    given(command, "ai/window/show", page="settings")
    url = given(core, "ai/module/open", name="web")["url"]
    refusal = refused(core, "ai/module/open", {"name": "base"}, "E_REQUEST")
    modules = {module["name"]: module for module in given(core, "ai/snapshot/get")["modules"]}
    assert refusal["message"] == f"base: {modules['base']['abilities']['open']}"
    given(core, "ai/app/quit")

    assert told["data"]["fields"] == ["page"]
    assert host.around.pages[-1] == "settings"
    assert host.around.modules[-1] == "web"
    assert re.fullmatch(r"http://localhost:\d+", url)
    assert host.around.quits == quits + 1


def test_report_of_a_page_is_one_line_of_the_log(
    core: DirectCaller, caplog: pytest.LogCaptureFixture
) -> None:
    message = "it broke\nat 第 2 行"

    given(core, "ai/logs/client/append", level="error", message=message)

    line = message.encode("unicode_escape").decode()
    assert ("aiserver_tray.page", 40, line) in caplog.record_tuples


def test_texts_are_in_the_clients_language(host: Host) -> None:
    core = host.caller("zh")
    told = refused(core, "ai/module/status", {"name": "wbe"}, "E_UNKNOWN")
    modules = given(core, "ai/modules/list", type="feature")["items"]
    settings = given(core, "ai/config/get", name="app.language")["entries"]
    snapshot = given(core, "ai/snapshot/get")

    assert re.search("[一-鿿]", told["message"])
    assert ("web", "网页") in [(it["name"], it["title"]) for it in modules]
    assert ("web", "网页") in [(it["name"], it["title"]) for it in snapshot["modules"]]
    assert settings[0]["title"] == "语言"


def test_texts_follow_the_language_that_is_chosen(core: DirectCaller, host: Host) -> None:
    def shown(language: Language) -> list[str] | None:
        """The titles of the modules, once they are in *language*."""
        snapshot = given(core, "ai/snapshot/get")
        is_in_it = snapshot["language"] == language
        return [module["title"] for module in snapshot["modules"]] if is_in_it else None

    try:
        given(core, "ai/config/set", name="app.language", value="zh")
        assert "网页" in host.until(lambda _: shown("zh"))
        why = refused(core, "ai/module/status", {"name": "wbe"}, "E_UNKNOWN")["message"]
        assert re.search("[一-鿿]", why)
    finally:
        given(core, "ai/config/set", name="app.language", value=None)
    assert "Web" in host.until(lambda _: shown("en"))
