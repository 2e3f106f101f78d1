"""What the help of commands has to name."""

import pytest
from click.testing import CliRunner

from aiserver_tray.cli import root
from aiserver_tray.contract.address import PAGES


def help_of(command: str) -> str:
    return " ".join(CliRunner().invoke(root, [command, "--help"]).output.split())


@pytest.mark.parametrize("page", PAGES.values())
def test_open_names_every_page(page: str) -> None:
    _, _, told = help_of("open").partition("PAGE is ")
    assert page in told.partition(".")[0].replace(",", "").split()


@pytest.mark.parametrize("command", ["up", "choose"])
def test_who_may_say_no_name_is_told_what_is_meant_before_anything_is_chosen(command: str) -> None:
    told = help_of(command)
    assert "all features" in told
    assert "ntil you choose" in told
