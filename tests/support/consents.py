"""What a user is asked before a module starts, and the answer of one who trusts a whole catalog."""

from contextlib import suppress
from pathlib import Path

from aiserver_tray.base.errors import AiServerError, TrustError
from aiserver_tray.base.i18n import LocalText, Text
from aiserver_tray.catalog.consent import Consent, Deed
from aiserver_tray.catalog.permission_kinds import Permission
from aiserver_tray.core.app import App
from aiserver_tray.settings.content import Trusted


def consent(module: str, *asks: Permission) -> Consent:
    """What *module*, which is not built in, asks."""
    title: LocalText = {"en": module, "zh": module}
    does = (Deed("containers", Text("runs {count} containers", count=1)),)
    return Consent(module, title, f"/modules/{module}", "compose.yaml", does, asks)


def refused(module: str, *asks: Permission) -> TrustError:
    """Why *module* does not start before that."""
    return TrustError(consent(module, *asks).as_data())


def trust_all(home: Path, *catalogs: Path) -> None:
    """Allow all modules of *catalogs* all that they ask for now, as a user who wrote them would.
    Those whose file is wrong, or that lack a value, can't start anyway."""
    app = App(home, catalogs)
    for name in app.catalog.modules.keys() - app.catalog.built_in:
        with suppress(AiServerError):
            consent = app.preview(name).consent
            if consent and not consent.is_covered_by(app.targets.allowed(consent)):
                allowed = [list(one.key) for one in consent.asks]
                app.settings.trust(name, Trusted(consent.folder, allowed))
