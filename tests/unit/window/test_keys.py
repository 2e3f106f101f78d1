"""The keys of a module's window, and who is told of them."""

import re

import pytest

from aiserver_tray.window import module_page
from tests.unit.pages import ROOT

KEYS = re.findall(r'"([\w+]+)": \(\) =>', module_page._KEYS)
SIGNS = {"ArrowLeft": "←", "ArrowRight": "→", "Ctrl+r": "Ctrl+R"}


def test_the_keys_are_found() -> None:
    assert len(KEYS) == module_page._KEYS.count("() =>")


@pytest.mark.parametrize("key", KEYS)
def test_the_guide_names_every_key(key: str) -> None:
    for written, sign in SIGNS.items():
        key = key.replace(written, sign)
    assert f"`{key}`" in (ROOT / "docs/guide/README.md").read_text(encoding="utf-8")
