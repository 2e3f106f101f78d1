"""What the help of commands has to name."""

import re

from click.testing import CliRunner

from aiserver_tray.base.strings import page_of
from aiserver_tray.carriers.http.page import page_names
from aiserver_tray.cli import root


def help_of(command: str) -> str:
    return " ".join(CliRunner().invoke(root, [command, "--help"]).output.split())


def test_open_names_pages_that_there_are() -> None:
    told = help_of("open").partition(" such as ")[2].partition(".")[0]
    addresses = re.split(r"(?:, | or )", told)
    assert {page_of(address.replace("[", "/")) for address in addresses} <= {*page_names()}


def test_help_of_up_and_choose_says_which_modules_are_meant_without_a_choice() -> None:
    for command in ("up", "choose"):
        told = help_of(command)
        assert "all features" in told
        assert "ntil you choose" in told
