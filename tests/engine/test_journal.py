"""The journal of real operations."""

import json
from typing import Any

import docker

from tests.support.installation import Installation, checked, gated


def activities(here: Installation) -> list[Any]:
    """What ``activity --json`` lists, the newest last."""
    found: list[Any] = json.loads(here.cli.run("activity", "--json").succeeded().output)[
        "activities"
    ]
    return found


def test_journal_has_each_step_and_the_operation_of_a_killed_command(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": checked("true")})
    here.write("slow", {"slow": gated()})
    here.cli.run("up", "web").succeeded()
    stream = engine.events(decode=True, filters={"event": "start"})
    with here.cli.started("up", "slow") as running:
        next(stream)
        assert activities(here)[-1]["operation"]["status"] == "running"
        running.kill()
    stream.close()
    done, killed = (activity["operation"] for activity in activities(here))
    assert (done["modules"], done["status"]) == (["web"], "succeeded")
    steps = {step["kind"]: step for step in done["steps"]}
    assert {"create", "start", "wait"} <= steps.keys()
    assert all(step["status"] == "done" and step["seconds"] >= 0 for step in steps.values())
    assert steps["wait"]["seconds"] <= done["seconds"]
    assert (killed["modules"], killed["status"]) == (["slow"], "interrupted")
