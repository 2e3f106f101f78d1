"""When the first steps open by themselves, and what modules need."""

from aiserver_tray.core.app import App
from aiserver_tray.owner.api import Api
from aiserver_tray.protocol.message import Json, Peer

CLIENT = Peer("window", "en", lambda _message: None)


def ask(api: Api, channel: str, payload: Json | None = None) -> Json:
    data: Json = api.invoke(channel, payload, CLIENT)["data"]
    return data


def test_they_open_until_they_are_left(api: Api) -> None:
    assert [ask(api, "ai/app/welcome")["pending"] for _ in range(2)] == [True, True]
    assert ask(api, "ai/app/welcome", {"done": True}) == {"pending": False}
    assert ask(api, "ai/app/welcome") == {"pending": False}


def test_first_steps_are_over_once_a_module_is_chosen_or_started(app: App, api: Api) -> None:
    with app.settings.engines.update("ENGINE") as state:
        state.desired = ["n8n"]
    assert ask(api, "ai/app/welcome") == {"pending": False}
    with app.settings.engines.update("ENGINE") as state:
        state.desired = []
    assert ask(api, "ai/app/welcome") == {"pending": True}
    ask(api, "ai/config/choose", {"modules": []})
    assert ask(api, "ai/app/welcome") == {"pending": False}


def test_each_built_in_module_says_what_it_takes(api: Api) -> None:
    modules = ask(api, "ai/modules/needs")["modules"]
    assert {"n8n", "dify", "oneapi", "ragflow", "postgres"} <= {one["name"] for one in modules}
    assert all(one["download"] and one["memory"] and one["disk"] for one in modules)
    n8n = next(one for one in modules if one["name"] == "n8n")
    assert n8n["memory"] == 1024**3
