"""The computer's time zone."""

import pytest

from aiserver_tray.system.clock import timezone_name


def test_a_time_zone_that_changes_while_the_process_runs_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for zone in ("Europe/Berlin", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        assert timezone_name() == zone
