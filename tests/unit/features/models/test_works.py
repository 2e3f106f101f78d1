"""What is remembered of a check of models."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiserver_tray.base.i18n import Text
from aiserver_tray.features.models import works
from aiserver_tray.features.models.chain import ChainResult
from aiserver_tray.features.models.models import Models
from aiserver_tray.features.models.works import Checks
from aiserver_tray.features.place import Place


def test_a_check_that_ends_after_a_change_of_servers_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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
