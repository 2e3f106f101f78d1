"""Which service a command is meant for."""

import click
import pytest

from aiserver_tray.base.errors import UnknownNameError
from aiserver_tray.cli.execute import find_service
from aiserver_tray.state.views import ModuleView, ServiceView
from tests.support.made import ABLE


def module(*services: str) -> ModuleView:
    views = tuple(
        ServiceView(name, f"ai-{name}", "running", "none", "i:1", is_job=False, exit_code=None,
                    started_at=None, reason=None)
        for name in services
    )  # fmt: skip
    return ModuleView(
        name="dify", kind="feature", state="running", ready=1, total=1, reason=None, orphan=False,
        wanted=True, used_by=(), open=None, services=views, abilities=ABLE,
    )  # fmt: skip


def test_without_a_service_it_is_the_one_named_like_the_module_or_the_only_one() -> None:
    assert find_service(module("web", "dify"), "").name == "dify"
    assert find_service(module("web"), "").name == "web"


def test_exec_with_a_module_of_several_services_names_them() -> None:
    with pytest.raises(click.UsageError, match="Add one of them: dify/api, dify/web"):
        find_service(module("api", "web"), "")
    with pytest.raises(UnknownNameError, match="Did you mean dify/web"):
        find_service(module("api", "web"), "wbe")
