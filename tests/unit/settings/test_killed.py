"""``kill -9`` in the middle of a write loses nothing."""

import json
import subprocess
import sys
from pathlib import Path

from aiserver_tray.system.paths import Home
from tests.support.systems import on_unix


@on_unix
def test_two_hundred_kills_in_the_middle_of_a_write_lose_nothing(home: Home) -> None:
    program = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, program, home.folder, "200", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    print(result)  # noqa: T201 - the figures, for those who ask with -s
    assert result["kills"] == 200
    assert result["lost"] == []
    assert result["notices"] == []
    assert result["acknowledged"] >= 200
    # That some kills met a write half done is what makes this a test.
    assert result["half_made"] > 0
