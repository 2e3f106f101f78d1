"""``connect`` with Dify, which keeps what it is told where only it sees it: a person copies the
token."""

from tests.engine.dify import SSRF, Dify
from tests.engine.oneapi import OneApiStack
from tests.support.observed import facts
from tests.support.ports import free_port

ADDRESS = "http://oneapi:3000/v1"
WRONG = "sk-" + "0" * 48


def statuses(dify: Dify, token: str) -> list[int]:
    """What OneAPI answers plugins, which ask it directly, and workflows, which do by the proxy."""
    header = ("-H", f"Authorization: Bearer {token}")
    return [
        dify.fetch("plugin_daemon", f"{ADDRESS}/models", *header),
        dify.fetch("sandbox", f"{ADDRESS}/models", *SSRF, *header),
    ]


def test_dify_reaches_oneapi_with_the_token_that_is_to_be_copied(dify: Dify) -> None:
    here = dify.here
    oneapi = OneApiStack(here.home, here.catalog, here.host, free_port())
    oneapi.set("oneapi.ONEAPI_HOST_PORT", str(oneapi.port))

    connected = oneapi.cli.run("connect", "dify").succeeded()

    assert f"{ADDRESS} and this token" in connected.errors
    shown = oneapi.cli.run("config", "get", "--show", "dify.DIFY_ONEAPI_TOKEN").succeeded()
    token = shown.output.strip()

    assert statuses(dify, token) == [200, 200]
    assert statuses(dify, WRONG) == [401, 401]
    before = facts(dify.client, *dify.ids().values())

    oneapi.cli.run("disconnect", "dify").succeeded()

    assert statuses(dify, token) == [401, 401]
    assert oneapi.tokens() == {}
    assert facts(dify.client, *before) == before
    oneapi.cli.run("down", "oneapi").succeeded()
