"""A release: nothing is published that was not tested, and its notes tell what users must know."""

import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deb.releases import RELEASES
from release_notes import UNSIGNED, notes

ROOT = Path(__file__).parents[2]
JOBS: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
)["jobs"]
UPLOAD, DOWNLOAD = "actions/upload-artifact", "actions/download-artifact"
PUBLISH = JOBS["publish"]

CHANGELOG = """\
# Changelog

## 0.3.0 – unreleased

- Third

## 0.2.0rc1 – 2027-01-31

### Applet
- Second

## 0.1.0 – 2026-12-24

- First
"""


def artifacts(job: str, action: str) -> Iterator[str]:
    """The names or patterns of what the steps of *job* upload or download."""
    for step in JOBS[job].get("steps", ()):
        if step.get("uses", "").startswith(action):
            yield step["with"].get("name") or step["with"]["pattern"]


def fits(name: str, pattern: str) -> bool:
    """Whether an artifact *name*, with expressions in it, fits *pattern*."""
    outer, expression, inner = name.partition("${{")
    some = f"{outer}*{inner.rpartition('}}')[2]}" if expression else name
    return fnmatch.fnmatch(some, pattern) or fnmatch.fnmatch(pattern, some)


def test_each_published_artifact_was_tried_by_a_job_that_publishing_waits_for() -> None:
    (published,) = artifacts("publish", DOWNLOAD)
    builders = {
        job: name for job in JOBS for name in artifacts(job, UPLOAD) if fits(name, published)
    }
    assert len(builders) == 4, "Windows, Debian, macOS, wheel"
    for builder, name in builders.items():
        (tried,) = [
            job
            for job in JOBS
            if job != "publish" and any(fits(name, got) for got in artifacts(job, DOWNLOAD))
            if JOBS[job]["needs"] == builder
        ]
        assert tried in PUBLISH["needs"], name


def test_publishing_waits_for_all_tests_and_for_a_person() -> None:
    assert JOBS["tests"]["uses"] == "./.github/workflows/ci.yml"
    assert {"tests", "version"} <= {*PUBLISH["needs"]}
    assert PUBLISH["environment"] == "release"
    assert PUBLISH["if"] == "startsWith(github.ref, 'refs/tags/v')"
    tested = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert ".ci/run" in [step.get("run") for step in tested["jobs"]["debian"]["steps"]]


def test_only_publishing_writes_and_secrets_are_those_of_signing() -> None:
    for name, job in JOBS.items():
        writes = "write" in job["permissions"].values()
        assert writes == (name == "publish"), name
        if "secrets." in str(job):
            assert "'signing'" in job["environment"], name


def test_each_package_for_debian_and_ubuntu_is_tried_on_its_release() -> None:
    tried = JOBS["try-debian"]["strategy"]["matrix"]["include"]
    assert [row["release"] for row in tried] == [release.name for release in RELEASES]
    assert all(row["image"].replace(":", "") == row["release"] for row in tried)


def test_the_notes_are_the_part_of_the_changelog() -> None:
    assert notes(CHANGELOG, "0.2.0rc1", []) == "### Applet\n- Second\n"
    assert notes(CHANGELOG, "0.1.0", []) == "- First\n"
    for version in ("0.3.0", "0.2.0"):
        with pytest.raises(SystemExit, match=version):
            notes(CHANGELOG, version, [])


def test_the_notes_say_what_windows_shows_for_an_unsigned_setup() -> None:
    text = notes(CHANGELOG, "0.1.0", list(UNSIGNED))
    assert "Windows protected your PC" in text
    assert "no application for macOS" in text
    assert "aiserver_tray-0.1.0-py3-none-any.whl" in text
