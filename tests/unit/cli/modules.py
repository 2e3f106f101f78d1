"""A module as the state has it, for the tests of what is printed."""

from aiserver_tray.state.views import ModuleView, PortView, ServiceView
from tests.support.made import ABLE

SERVICE = ServiceView(
    "n8n", "ai-n8n", "running", "healthy", "i:1", is_job=False, exit_code=None, started_at=None,
    reason=None,
)  # fmt: skip
MODULE = ModuleView(
    name="n8n", kind="feature", state="running", ready=3, total=3, reason=None, orphan=False,
    wanted=True, used_by=(), open="http://localhost:18100", services=(SERVICE,), abilities=ABLE,
    ports=(PortView("n8n", "127.0.0.1", 18100, 5678, "tcp"),),
)  # fmt: skip
