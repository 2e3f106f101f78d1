"""Operations on single services of a module, and what an inspection of one shows."""

import docker

from tests.support.installation import Installation, after, idle
from tests.support.observed import facts


def test_one_service_is_stopped_started_and_restarted_alone(
    here: Installation, engine: docker.DockerClient
) -> None:
    here.write("web", {"web": idle(depends_on=after("started", "db")), "db": idle()})
    here.done("up", "web")
    before = facts(engine, "ai-web", "ai-web-db")

    assert here.done("stop", "web", services=("db",)) == ["stop ai-web-db"]
    module = here.module("web")
    assert (module.state, module.ready, module.total) == ("running", 1, 1), "as the user wants it"

    assert "start ai-web-db" in here.done("up", "web", services=("db",))
    assert here.module("web").state == "running"

    restarted = here.done("restart", "web", services=("web",))
    assert restarted == ["stop ai-web", "start ai-web", "wait ai-web"]
    now = facts(engine, "ai-web", "ai-web-db")
    assert {name: fact.id for name, fact in now.items()} == {n: f.id for n, f in before.items()}
    entries = here.app.settings.journal.read()
    assert ("restart", ("web",), ("web",)) in {
        (e.operation, e.modules, e.services) for e in entries if e.kind == "operation"
    }

    here.done("up", "web", recreate=True)
    recreated = facts(engine, "ai-web", "ai-web-db")
    assert not {f.id for f in recreated.values()} & {f.id for f in before.values()}
