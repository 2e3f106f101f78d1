"""The official ``docker compose config`` as the judge of our Compose loader.

The expected values are those of Debian 13's package ``docker-compose``: version 2.26.1, linked with
compose-go 2.4.8, whose schema is newer than that of the upstream 2.26.1 release.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

VERSION = "2.26.1"

CORPUS = Path(__file__).parents[1] / "oracle"
HOME = "/nonexistent"
"""The oracle's home, which ``~`` in a path means."""

_EMPTY_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": HOME}
_ABSENT = "(absent)"


class OracleRefusal(Exception):  # noqa: N818 - a verdict, not an error of the test
    """The oracle does not take the file; the message is the oracle's own."""


@dataclass(frozen=True)
class Case:
    """A Compose file, or a folder in which it has to be found, and the env file given with it.

    For ``X.yaml`` or the folder ``X`` the env file is ``X.env`` beside it, where there is one.
    """

    path: Path
    env_file: Path | None

    def __str__(self) -> str:
        return self.path.stem if self.path.is_file() else self.path.name

    @property
    def folder(self) -> Path:
        """The project's folder."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def variables_file(self) -> Path | None:
        """The file that values come from: the one given, else ``.env`` beside the Compose file."""
        beside = self.folder / ".env"
        return self.env_file or (beside if beside.is_file() else None)


def cases(folder_name: str) -> list[Case]:
    """The cases in *folder_name*: each ``*.yaml`` and each folder."""
    return [
        case_of(path)
        for path in sorted((CORPUS / folder_name).iterdir())
        if path.is_dir() or path.suffix == ".yaml"
    ]


def case_of(path: Path) -> Case:
    """The case of one file or folder."""
    env_file = path.parent / f"{path.stem if path.is_file() else path.name}.env"
    return Case(path, env_file if env_file.is_file() else None)


@cache
def oracle_config(case: Case) -> dict[str, Any]:
    """What the oracle resolves *case* to, in an empty environment; run once per case.

    Raises:
        OracleRefusal: it refuses the file.
    """
    command = [_oracle()]
    if case.path.is_file():
        command += ["-f", str(case.path)]
    if case.env_file:
        command += ["--env-file", str(case.env_file)]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        cwd=case.folder,
        env=_EMPTY_ENVIRONMENT,
        capture_output=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        raise OracleRefusal(done.stderr.decode(errors="replace"))
    config: dict[str, Any] = json.loads(done.stdout)
    return config


@cache
def _oracle() -> str:
    program = shutil.which("docker-compose")
    if not program:
        raise RuntimeError(
            "docker-compose is not installed, and the tests compare the loader with it. "
            "On Debian 13: apt-get install docker-compose"
        )
    found = subprocess.run(
        [program, "version", "--short"],
        env=_EMPTY_ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout.strip()
    if found.split("-")[0] != VERSION:
        raise RuntimeError(
            f"{program} is version {found}; the corpus is written for {VERSION} of Debian 13"
        )
    return program


def differences(ours: object, oracle: object, path: str = "") -> Iterator[str]:
    """A line for each path at which two JSON values differ; 1 is equal to 1.0, not to true."""
    if isinstance(ours, dict) and isinstance(oracle, dict):
        for key in sorted(ours.keys() | oracle.keys()):
            yield from differences(
                ours.get(key, _ABSENT), oracle.get(key, _ABSENT), f"{path}.{key}".lstrip(".")
            )
    elif isinstance(ours, list) and isinstance(oracle, list):
        for index in range(max(len(ours), len(oracle))):
            yield from differences(
                ours[index] if index < len(ours) else _ABSENT,
                oracle[index] if index < len(oracle) else _ABSENT,
                f"{path}.{index}",
            )
    elif ours != oracle or isinstance(ours, bool) != isinstance(oracle, bool):
        yield f"{path}: ours {_short(ours)}, oracle {_short(oracle)}"


def _short(value: object) -> str:
    return _ABSENT if value is _ABSENT else json.dumps(value, ensure_ascii=False)
