"""``connect``: modules use OneAPI with an access token of their own, and no longer.

The tests share one OneAPI, since it takes long to start. Each leaves no module connected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import docker
import pytest

from aiserver_tray.base.masking import MASK
from tests.engine.elsewhere import ON_LOOPBACK, Elsewhere
from tests.engine.kernel_setting import NAME, Setting, setting
from tests.engine.oneapi import EDITIONS, OneApiStack, installed, query
from tests.lab.engine import registry_address
from tests.lab.fixtures import borrowed, have_image
from tests.lab.place import Place
from tests.support.command_line import CommandLine
from tests.support.host_process import hosted
from tests.support.installation import IMAGE, idle
from tests.support.observed import environment, facts, names
from tests.support.terminal import terminal

__all__ = ["setting"]

TOKEN = "reader.READER_TOKEN"
READER = "aiserver-reader"
BACK = "Completed steps are kept."


def back(stack: OneApiStack, *commands: str) -> str:
    """The end of an error that *commands* take back."""
    return "".join(["run:\n", *(f"  {stack.cli.advice(words)}\n" for words in commands)])


def write_reader(
    stack: OneApiStack, image: str = IMAGE, sysctls: Mapping[str, int] | None = None
) -> None:
    """A module that can use OneAPI, and only shows with what; it needs *sysctls*."""
    settings = {
        "READER_MODELS": {
            "type": "choice",
            "default": "none",
            "choices": {"none": {}, "other": {"requires": ["oneapi"]}},
        },
        "READER_TOKEN": {"type": "secret", "token_of": "oneapi"},
    }
    service = idle(image=image, environment={"TOKEN": "${READER_TOKEN}"})
    needs = {"sysctls": sysctls or {}}
    stack.write("reader", {"reader": service}, settings=settings, needs=needs)


@ON_LOOPBACK
def test_a_module_on_an_engine_elsewhere_gets_a_token_too(
    engine: docker.DockerClient, oneapi: OneApiStack, elsewhere: Elsewhere
) -> None:
    over_ssh = replace(oneapi, host=elsewhere.host)
    over_ssh.cli.run("connect", "reader").succeeded()
    token = environment(engine, "ai-reader")["TOKEN"]
    assert oneapi.models(token) == 200
    over_ssh.cli.run("disconnect", "reader").succeeded()
    assert (environment(engine, "ai-reader")["TOKEN"], oneapi.models(token)) == ("", 401)


def stored(stack: OneApiStack, setting: str) -> str:
    """What ``config get`` shows."""
    return stack.cli.run("config", "get", setting).succeeded().output.strip()


@pytest.fixture(scope="module")
def engine(lab: Place) -> Iterator[docker.DockerClient]:
    """The engine with what the tests leave there."""
    with borrowed(lab) as client:
        have_image(client, IMAGE)
        yield client


@pytest.fixture(scope="module")
def stack(
    lab: Place, engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> OneApiStack:
    """The installation of all tests. The first one that connects a module starts OneAPI. An owner
    starts nothing by itself, which would be an operation beside that of a test."""
    here = installed(lab, tmp_path_factory.mktemp("connect"))
    here.set("app.start_desired", "false")
    return here


@pytest.fixture
def oneapi(stack: OneApiStack) -> Iterator[OneApiStack]:
    """The installation, with a module that is not connected."""
    write_reader(stack)
    yield stack
    write_reader(stack)
    stack.cli.run("disconnect", "reader").succeeded()


def test_up_without_a_token_and_connect_without_a_choice_are_refused(oneapi: OneApiStack) -> None:
    oneapi.set("reader.READER_MODELS", "other")

    oneapi.cli.run("up", "reader").failed("E_SETTING", TOKEN, oneapi.cli.advice("connect reader"))

    done = oneapi.cli.run("connect", "postgres")
    assert done.code == 2
    assert "postgres can't be connected to OneAPI. These modules can: " in done.errors
    assert "n8n" in done.errors
    oneapi.cli.run("connect", "nobody").failed("E_UNKNOWN")


def test_failed_connect_reports_the_completed_steps_and_how_to_undo_them(
    engine: docker.DockerClient, oneapi: OneApiStack, lab: Place
) -> None:
    oneapi.cli.run("down").succeeded()
    write_reader(oneapi, image=f"{registry_address(lab)}/nothing:1")
    nowhere = CommandLine(oneapi.home, oneapi.catalog, "unix:///nowhere.sock")
    assert BACK not in nowhere.run("connect", "reader").failed("E_ENGINE_DOWN").errors

    # Less than the engine gives a container.
    oneapi.set("oneapi.ONEAPI_MEMORY", "1m")
    assert oneapi.cli.run("connect", "reader").errors.endswith(back(oneapi, "down oneapi"))
    oneapi.set("oneapi.ONEAPI_MEMORY", "1g")
    failed = oneapi.cli.run("connect", "reader").failed("E_IMAGE_PULL", BACK)
    assert failed.errors.endswith(back(oneapi, "disconnect reader", "down oneapi"))

    oneapi.cli.run("disconnect", "reader")
    oneapi.cli.run("down", "oneapi").succeeded()
    assert stored(oneapi, "READER_MODELS") == "none"
    assert not any(name.startswith("ai-oneapi") for name in names(engine))


def test_disconnect_starts_oneapi_only_to_delete_a_token(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    oneapi.cli.run("down").succeeded()
    oneapi.set("reader.READER_MODELS", "other")
    oneapi.cli.run("disconnect", "reader").succeeded()
    assert stored(oneapi, "READER_MODELS") == "none"
    assert names(engine) == set()

    told = "Starting oneapi to delete an access token there."
    oneapi.cli.run("connect", "reader").succeeded()
    assert told not in oneapi.cli.run("disconnect", "reader").succeeded().errors

    oneapi.cli.run("connect", "reader").succeeded()
    oneapi.cli.run("down", "oneapi", "--cascade").succeeded()
    assert told in oneapi.cli.run("disconnect", "reader").succeeded().errors
    assert oneapi.tokens() == {}
    assert "ai-reader" not in names(engine)


def test_connect_finds_a_forgotten_token_also_through_a_host(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    oneapi.cli.run("connect", "reader").succeeded()
    token = environment(engine, "ai-reader")["TOKEN"]
    with hosted(oneapi.cli) as (client, _):
        oneapi.cli.run("config", "unset", TOKEN).succeeded()

        oneapi.cli.run("connect", "reader").succeeded()

        (last,) = client.request("ai/operation/list")["operations"]
    assert (last["modules"], last["status"], last["foreign"]) == (["reader"], "succeeded", False)
    assert environment(engine, "ai-reader")["TOKEN"] == token


def test_connect_asks_for_a_kernel_setting_of_the_module(
    engine: docker.DockerClient, oneapi: OneApiStack, setting: Setting
) -> None:
    write_reader(oneapi, sysctls={NAME: setting.need})
    options = ["--home", str(oneapi.home), "--catalog", str(oneapi.catalog), "--host", oneapi.host]
    with terminal("connect", "reader", *options) as asked:
        asked.wait_for("Allow this and continue? [y/N]: ")
        asked.type("y\n")
        assert asked.end() == 0, asked.text
    assert setting.value == setting.need
    assert oneapi.models(environment(engine, "ai-reader")["TOKEN"]) == 200


def test_connect_with_a_changed_root_password_says_what_to_do_by_hand(
    engine: docker.DockerClient, oneapi: OneApiStack
) -> None:
    oneapi.cli.run("connect", "reader").succeeded()
    token = environment(engine, "ai-reader")["TOKEN"]
    oneapi.ask("PUT", "/api/user/self", oneapi.password, {"password": "of-the-user"})

    by_hand = f"config set {TOKEN} -", "config set reader.READER_MODELS other"
    refused = oneapi.cli.run("connect", "reader").failed("E_SETTING", "can't log in", *by_hand)
    assert BACK not in refused.errors, "nothing was started"
    assert oneapi.models(token) == 200

    done = oneapi.cli.run("disconnect", "reader").succeeded()
    assert f"Can't delete the access token {READER} in oneapi" in done.errors
    assert environment(engine, "ai-reader")["TOKEN"] == ""

    oneapi.cli.run("down", "oneapi").succeeded()
    refused = oneapi.cli.run("connect", "reader").failed("E_SETTING", "root can't log in")
    assert refused.errors.endswith(back(oneapi, "down oneapi"))

    oneapi.ask("PUT", "/api/user/self", "of-the-user", {"password": oneapi.password})
    oneapi.ask("DELETE", f"/api/token/{oneapi.tokens()[READER]}", oneapi.password)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_module_gets_a_token_that_works_and_keeps_it(
    engine: docker.DockerClient, oneapi: OneApiStack, edition: str
) -> None:
    oneapi.set("oneapi.ONEAPI_EDITION", edition)
    oneapi.done("up", "oneapi")
    others = f"FROM standin_tokens WHERE name = '{READER}' AND user_id = 99"
    query(engine, edition, f"INSERT INTO standin_tokens VALUES (0, 99, '{READER}', 'theirs', 1)")

    first = oneapi.cli.run("connect", "reader").succeeded()

    token = environment(engine, "ai-reader")["TOKEN"]
    assert token.startswith("sk-")
    assert oneapi.models(token) == 200
    assert token not in first.output + first.errors
    assert "Connected to OneAPI: reader" in first.errors
    assert oneapi.tokens().keys() == {READER}
    assert stored(oneapi, "READER_MODELS") == "other"
    assert stored(oneapi, TOKEN) == MASK
    before = facts(engine, "ai-reader", f"ai-oneapi-{edition}")

    oneapi.cli.run("connect", "reader").succeeded()

    assert facts(engine, "ai-reader", f"ai-oneapi-{edition}") == before
    assert oneapi.tokens().keys() == {READER}

    oneapi.ask("DELETE", f"/api/token/{oneapi.tokens()[READER]}", oneapi.password)
    oneapi.cli.run("connect", "reader").succeeded()

    another = environment(engine, "ai-reader")["TOKEN"]
    assert (another == token, oneapi.models(token), oneapi.models(another)) == (False, 401, 200)

    oneapi.cli.run("disconnect", "reader").succeeded()

    assert environment(engine, "ai-reader")["TOKEN"] == ""
    assert oneapi.models(another) == 401
    assert oneapi.tokens() == {}
    assert query(engine, edition, f"SELECT token_key {others}") == "theirs", "of another user"
    query(engine, edition, f"DELETE {others}")
    assert stored(oneapi, "READER_MODELS") == "none"
    assert "There is nothing to do." in oneapi.cli.run("disconnect", "reader").succeeded().errors
