"""Alert rules and alerts as the owner answers them."""

import time

from aiserver_tray.base.codec import to_json
from aiserver_tray.features.alerts.files import Alert, Mute, RulesData
from aiserver_tray.features.alerts.kinds import MatchingLine
from aiserver_tray.features.alerts.views import RuleList, alert_view, kind_views, rule_view
from aiserver_tray.protocol.message import Json

LINE = MatchingLine(id="line-1", level="error", pattern="connection refused")
DATA = RulesData(own=[LINE], mutes=[Mute(rule="unhealthy"), Mute(module="n8n")])
ACTIVE = Alert(
    id="alert-1",
    rule="restarts",
    kind="restarts",
    module="dify",
    service="api",
    name={"en": "Dify"},
    text={"en": "api: restarted 4 times in 10 min"},
    page="modules/dify/logs?service=api",
    begun=time.time() - 300,
)

COUNTED: Json = {
    "begin": time.time() - 86_400,
    "end": time.time(),
    "parts": [0] * 46 + [3, 60],
    "lines": 63,
    "alerts": 3,
    "since": time.time() - 3600,
    "isComplete": False,
}
"""What a rule for lines would have told, as far as that is known."""


def listed(*alerts: Alert, data: RulesData = DATA) -> Json:
    """The rules of *data* and *alerts*; without any, one that is active and one that is over."""
    now = time.time()
    over = ACTIVE.model_copy(update={"id": "alert-0", "ended": now - 60, "module": "n8n"})
    shown = alerts or (ACTIVE, over)
    states = {"disk": "212 GB"}
    found: RuleList = {
        "kinds": kind_views(),
        "rules": [rule_view(rule, data.mutes, states.get(rule.id), now) for rule in data.rules],
        "alerts": [alert_view(alert, data, now) for alert in shown],
        "mutes": [mute for mute in data.mutes if mute.module],
        "muted": next((mute for mute in data.mutes if mute.is_of_all), None),
        "keptDays": 90,
        "desktop": True,
        "webhook": True,
    }
    return dict(to_json(found, "en", RuleList))
