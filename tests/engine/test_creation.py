"""Nothing is lost between Compose file and engine: what we create is what ``docker compose create``
creates, field by field, save the exceptions that are named with their reasons.

The files are the oracle's corpus, and those beside this one with what an engine takes.
"""

import io
import re
import sys
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import docker
import pytest

from aiserver_tray.engine.engine import Engine
from aiserver_tray.spec.model import File
from tests.engine.creation.comparison import differences, fields
from tests.engine.creation.exceptions import EXCEPTIONS, Difference, reason_for
from tests.engine.creation.sides import (
    IMAGE,
    Created,
    EngineRefusal,
    Refusal,
    Stage,
    composes,
    create,
    ours,
    surroundings,
    target_of,
)
from tests.lab.fixtures import have_image
from tests.lab.place import Place
from tests.support.compose_keys import model_keys, used_keys
from tests.support.oracle import HOME, Case, case_of, cases

OWN = [case_of(path) for path in sorted((Path(__file__).parent / "creation/files").glob("*.yaml"))]
CASES = [*cases("corpus"), *OWN]

UNSUPPORTED = {
    "build_long": "app.build.additional_contexts",
    "configs": "configs.outside.external",
    "configs_full": "configs.one.template_driver",
    "deploy": "deploy.placement",
    "develop": "app.develop",
    "extends": "deep.build.additional_contexts",
    "extensions": "app.credential_spec",
    "external_text": "secrets.s.external",
    "interpolated_types": "deploy.update_config",
    "networks_service": "map.networks.back.gw_priority",
    "numbers": "app.scale",
    "override": "deploy.replicas",
    "override_all": "app.credential_spec",
    "paths": "app.develop",
    "resources": "agree.scale",
    "secrets": "secrets.outside.external",
    "service_keys": "app.credential_spec",
    "volumes_long": "app.volumes.3.bind.selinux",
}
"""What the product refuses, by the key that it names; docs/catalog.md has the list."""

REFUSED_BY_ENGINE = {
    "depends_on": "No such container: third",
    "keys": "invalid environment variable: ==g",
    "refused_isolation": "[iI]nvalid isolation",
    "refused_runtime": "unknown or invalid runtime name",
    "refused_storage_opt": "--storage-opt is supported only for overlay over xfs",
    # Compose makes its two services side by side, and tells of the one that is refused first.
    "sizes": "Minimum memory limit allowed is 6MB|always set the Memory limit",
    "volumes_short": "mount path must be absolute",
    "volumes_top": "mount path must be absolute",
    "volumes_windows": "mount path must be absolute",
}
"""What the engine refuses whoever asks, and what it says."""

COMPARED = [c for c in CASES if str(c) not in UNSUPPORTED.keys() | REFUSED_BY_ENGINE.keys()]

NOT_OF_A_CONTAINER = {
    "build": "how an image is built",
    "develop": "unsupported",
    "credential_spec": "unsupported",
    "pull_policy": "the images' business",
    "platform": "a parameter of the request, not a field",
    "extends": "resolved by the loader",
    "env_file": "resolved by the loader",
    "label_file": "resolved by the loader",
    "storage_opt": "refused by the lab's engine, whoever asks",
    "deploy.placement": "unsupported",
    "deploy.update_config": "unsupported",
    "deploy.rollback_config": "unsupported",
    "deploy.endpoint_mode": "unsupported",
    "networks.*.gw_priority": "unsupported",
}


@dataclass(frozen=True)
class Outcome:
    """What came of one file."""

    ours: Created | Refusal
    theirs: Created | Refusal
    differences: tuple[Difference, ...] = ()


OutcomeOf = Callable[[Case], Outcome]


@pytest.fixture
def outcome_of(
    engine: docker.DockerClient, lab: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OutcomeOf:
    """Makes a file's containers on both sides, once in a session."""
    monkeypatch.setenv("HOME", HOME)
    have_image(engine, IMAGE)

    def make(case: Case) -> Outcome:
        if case not in _outcomes:
            stage = Stage.of(case, tmp_path / str(case))
            _outcomes[case] = _outcome(engine.api, lab.host, stage)
        return _outcomes[case]

    return make


_outcomes: dict[Case, Outcome] = {}


def _outcome(api: docker.APIClient, host: str, stage: Stage) -> Outcome:
    sides: list[Created | Refusal] = []
    for make in (partial(ours, api, stage, host), partial(composes, api, stage, host)):
        with surroundings(api, stage.project):
            try:
                sides.append(make())
            except Refusal as refusal:
                sides.append(refusal)
    mine, theirs = sides
    if isinstance(mine, Refusal) or isinstance(theirs, Refusal):
        return Outcome(mine, theirs)
    assert mine.containers.keys() == theirs.containers.keys()
    found = [
        Difference(".".join(path), one, other, stage.project.services[service])
        for service in mine.containers
        for path, one, other in differences(fields(mine, service), fields(theirs, service))
    ]
    return Outcome(mine, theirs, tuple(found))


@pytest.mark.parametrize("case", [c for c in CASES if str(c) in UNSUPPORTED], ids=str)
def test_unsupported_key_is_refused_by_name(case: Case, outcome_of: OutcomeOf) -> None:
    mine = outcome_of(case).ours
    assert isinstance(mine, Refusal)
    assert UNSUPPORTED[str(case)] in str(mine)
    assert not isinstance(mine, EngineRefusal)


@pytest.mark.parametrize("case", [c for c in CASES if str(c) in REFUSED_BY_ENGINE], ids=str)
def test_body_that_the_engine_refuses_is_refused_for_both(
    case: Case, outcome_of: OutcomeOf
) -> None:
    outcome = outcome_of(case)
    for refusal in (outcome.ours, outcome.theirs):
        assert isinstance(refusal, EngineRefusal), refusal
        assert re.search(REFUSED_BY_ENGINE[str(case)], str(refusal))


@pytest.mark.parametrize("case", COMPARED, ids=str)
def test_containers_equal_those_of_compose(case: Case, outcome_of: OutcomeOf) -> None:
    outcome = outcome_of(case)
    for side in (outcome.ours, outcome.theirs):
        assert isinstance(side, Created), side
    unexplained = [d.line for d in outcome.differences if reason_for(d) is None]
    assert not unexplained, "\n" + "\n".join(unexplained)


def test_files_are_in_the_container_also_where_it_is_read_only(
    engine: docker.DockerClient, lab: Place, tmp_path: Path
) -> None:
    have_image(engine, IMAGE)
    stage = Stage.of(next(case for case in OWN if str(case) == "files"), tmp_path / "files")
    target = target_of(stage)
    with surroundings(engine.api, stage.project), closing(Engine(lab.host)) as core:
        create(core, target)
        for service in target.services:
            core.containers.put_files(service.container, service.files)
            found = {
                file.path: _read(engine.api, service.container, file) for file in service.files
            }
            assert found == {file.path: file for file in service.files}


def _read(api: docker.APIClient, container: str, file: File) -> File:
    """The file as it is in *container*."""
    chunks, _ = api.get_archive(container, file.path)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        (member,) = archive.getmembers()
        content = archive.extractfile(member)
        assert content is not None
        inside = File(file.path, content.read(), member.uid, member.gid, member.mode)
        return replace(inside, is_secret=file.is_secret)


def test_every_exception_occurs(outcome_of: OutcomeOf) -> None:
    occurred = {reason_for(d) for case in COMPARED for d in outcome_of(case).differences}
    assert not [each.reason for each in EXCEPTIONS if each not in occurred]


def test_the_compared_files_use_every_key_of_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    known = model_keys()
    folders = [case.path for case in COMPARED if case.path.is_dir()]
    files = [case.path for case in COMPARED if case.path.is_file()]
    files += [f for folder in folders for f in folder.rglob("*") if f.suffix in (".yaml", ".yml")]
    used = used_keys(files, known)
    keys = {key.removeprefix("services.*.") for key in known if key.startswith("services.*.")}
    unused = {key for key in keys if f"services.*.{key}" not in used}
    unexplained = {k for k in unused if not any(re.match(rf"{n}\b", k) for n in NOT_OF_A_CONTAINER)}
    with capsys.disabled():
        sys.stdout.write(
            f"\ncreation: {len(COMPARED)} files compared, {len(UNSUPPORTED)} refused by us, "
            f"{len(REFUSED_BY_ENGINE)} by the engine; {len(keys - unused)} keys of a service\n"
        )
    assert not unexplained
    assert len(cases("corpus")) >= 85
