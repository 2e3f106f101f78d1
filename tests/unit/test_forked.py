"""Commands of tests in processes that have the imports already."""

import os
from pathlib import Path

from aiserver_tray import __version__
from tests.support import forked

LIMIT = 60.0


def test_a_forked_command_has_its_own_status_streams_and_environment(tmp_path: Path) -> None:
    homes = [tmp_path / "one", tmp_path / "other"]
    envs = [os.environ | {"LC_ALL": "C.UTF-8", "AISERVER_HOME": str(home)} for home in homes]

    assert forked.run(["--version"], envs[0], LIMIT) == (0, f"{__version__}\n", "")
    status, output, errors = forked.run(["no-such-command"], envs[0], LIMIT)
    assert (status, output) == (2, "")
    assert "No such command" in errors
    assert forked.run(["config", "set", "app.language", "zh"], envs[0], LIMIT)[0] == 0

    languages = [forked.run(["config", "get", "app.language"], env, LIMIT)[1] for env in envs]
    assert languages == ["zh\n", "system\n"]
