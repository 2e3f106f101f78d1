"""A module as the state has it, for the tests of what is printed."""

from aiserver_tray.model import ModuleView, Port, ServiceView
from tests.support.made import ABLE

SERVICE = ServiceView(
    "n8n", "ai-n8n", "running", "healthy", "i:1", is_job=False, exit_code=None, started_at=None,
    reason=None, ports=(Port("127.0.0.1", 18100, 5678),),
)  # fmt: skip
MODULE = ModuleView(
    "n8n", "feature", "running", 3, 3, None, orphan=False, wanted=True, used_by=(),
    open="http://localhost:18100", services=(SERVICE,), abilities=ABLE,
)  # fmt: skip
