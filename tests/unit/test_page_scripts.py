"""What the page's scripts ask for and import."""

from pathlib import Path

import pytest

from aiserver_tray.contract.channel import channels_of
from aiserver_tray.contract.channels.predecessor import PredecessorChannels
from tests.unit.pages import ROOT

SCRIPTS = ROOT / "ui/js"
OWN = sorted(SCRIPTS.rglob("*.js"))


def named(script: Path) -> str:
    return script.relative_to(SCRIPTS).as_posix()


@pytest.mark.parametrize("channel", [each.name for each in channels_of(PredecessorChannels)])
def test_the_page_uses_no_channel_that_is_only_kept_for_others(channel: str) -> None:
    """Each operation is started by ``ai/operation/start``."""
    assert [named(s) for s in OWN if f'"{channel}"' in s.read_text(encoding="utf-8")] == []
