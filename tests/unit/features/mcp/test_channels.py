"""How a program that asks for a change is called where a person answers."""

import pytest

from aiserver_tray.features.mcp.channels import _shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Claude", "Claude"),
        ("Claude” wants to start n8n. “x", "Claude wants to start n8"),
        ("\x1b[31mred\x1b[0m\u202e\n line", "red line"),
        ("\u200b\n", "?"),
    ],
)
def test_a_name_hides_nothing_of_what_is_asked(given: str, shown: str) -> None:
    assert _shown(given) == shown
