"""Servers that the modules can't reach, by where the engine is, and what is remembered of a check.
Fakes of the installation: no test has an engine in WSL."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.errors import RefusedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.engine.address import Address
from aiserver_tray.features.models import works
from aiserver_tray.features.models.chain import ChainResult
from aiserver_tray.features.models.models import Models
from aiserver_tray.features.models.servers import KNOWN, typed_server
from aiserver_tray.features.models.works import Checks
from aiserver_tray.features.place import Place
from aiserver_tray.protocol.hub import Hub

OLLAMA = KNOWN[0]


def models(host: str, port: int = 18080) -> Models:
    """Models of an installation whose engine is at *host* and publishes *port*."""
    module = SimpleNamespace(ports=[SimpleNamespace(host=port)])
    store = SimpleNamespace(snapshot=SimpleNamespace(modules=[module]))
    core = SimpleNamespace(
        engine=SimpleNamespace(address=Address(host, "app.engine", {})), store=store
    )
    found: Any = Models.__new__(Models)
    found._place = SimpleNamespace(core=core, hub=Hub())
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://ada@server", "the modules run on another one"),
        ("tcp://192.0.2.7:2375", "the modules run on another one"),
        ("wsl://aiserver-tray", "the modules run in WSL"),
    ],
)
def test_a_server_of_this_computer_is_refused_with_the_reason(host: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        models(host)._check_place(OLLAMA)
    models(host)._check_place(typed_server("http://192.0.2.7:8000"))


def test_a_port_of_the_stack_itself_is_no_model_server() -> None:
    here = models("unix:///run/docker.sock", OLLAMA.port)
    with pytest.raises(RefusedError, match="belongs to a module of the stack"):
        here._check_place(OLLAMA)
    models("unix:///run/docker.sock")._check_place(OLLAMA)


def test_a_check_during_a_change_of_servers_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers are fakes, because the change comes while they are awaited."""
    models = SimpleNamespace(broken=(), trouble=None, publish=lambda: None)
    checks = Checks(cast("Models", models), cast("Place", SimpleNamespace()), lambda: None)
    monkeypatch.setattr(checks, "_rest", lambda *_: ())
    during: list[Any] = []

    def answered(*_: object) -> ChainResult:
        for change in during:
            change()
        return ChainResult("ollama", "Ollama", "m", "key", Text("refused"), None, None)

    monkeypatch.setattr(works, "check_chain", answered)
    servers = cast("Any", [SimpleNamespace(name="ollama")])
    assert checks.run(servers, is_all=True) == checks.latest
    assert models.broken == ("ollama",)
    during.append(checks.forget)
    assert checks.run(servers, is_all=True).results
    assert checks.latest is None
    assert models.broken == ()
