"""Which service a command is meant for."""

from dataclasses import replace

import click
import pytest

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.cli.execute import find_service
from aiserver_tray.state.views import ModuleView
from tests.unit.cli.modules import MODULE, SERVICE


def module(*services: str) -> ModuleView:
    return replace(MODULE, name="dify", services=tuple(replace(SERVICE, name=n) for n in services))


def test_without_a_service_it_is_the_one_named_like_the_module_or_the_only_one() -> None:
    assert find_service(module("web", "dify"), "").name == "dify"
    assert find_service(module("web"), "").name == "web"
    with pytest.raises(click.UsageError, match="Add one of them: dify/api, dify/web"):
        find_service(module("api", "web"), "")
    with pytest.raises(UnknownNameError, match="Did you mean dify/web"):
        find_service(module("api", "web"), "wbe")
