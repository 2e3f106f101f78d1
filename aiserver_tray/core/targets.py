"""The modules with their current settings, and the user's consent to what they ask for."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from aiserver_tray import __version__
from aiserver_tray.base.errors import AiServerError, SettingError, TrustError, raise_all
from aiserver_tray.base.i18n import Text
from aiserver_tray.base.masking import MASK
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.reader import collecting_opened
from aiserver_tray.catalog.consent import Consent, consent_to
from aiserver_tray.catalog.further_variables import (
    PROXY_ADDRESS,
    PROXY_EXCEPTIONS,
    PROXY_MODE,
    FurtherVariable,
    refused_variables,
    with_certificates,
    with_variables,
)
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import ResolvedModule, resolve
from aiserver_tray.model import Actor, Changes
from aiserver_tray.operations.modules import NO_CHANGES
from aiserver_tray.operations.preflight.volumes import with_keep_labels
from aiserver_tray.settings.content import Trusted
from aiserver_tray.settings.declared import Declared, without_value
from aiserver_tray.settings.entries import DistrustedEntry, TrustedEntry, in_all_languages
from aiserver_tray.settings.store import Settings
from aiserver_tray.spec.build import image_targets, module_target
from aiserver_tray.spec.labels import Owner
from aiserver_tray.spec.model import ImageTarget, ModuleTarget
from aiserver_tray.spec.mounts import with_paths_there

if TYPE_CHECKING:
    from aiserver_tray.catalog.compose.project import Project


class Installation(Protocol):
    """The catalog and the settings that the targets come from."""

    @property
    def catalog(self) -> Catalog: ...
    @property
    def settings(self) -> Settings: ...
    def in_scope(self, module: Module, new: Iterable[str] = (), /) -> Declared: ...


class Targets:
    """Resolves the modules of *installation*.

    Raises:
        UnknownNameError, CatalogError, MissingError, SettingError: from every method: there is no
            such module, or its file or a value is wrong or missing.
    """

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def target(self, name: str) -> ModuleTarget:
        """The target of the module *name*: all that must be on the engine. Missing secrets are
        generated."""
        return self._target(name, self._settings.values)[0]

    def with_project(self, name: str) -> tuple[ModuleTarget, "Project"]:
        """As `target`, with the Compose model that the target was made of."""
        target, resolved = self._target(name, self._settings.values)
        return target, resolved.project

    def preview(self, name: str, changes: Changes = NO_CHANGES) -> ModuleTarget:
        """Like `target`, for a preview: with *changes* of settings by address in canonical form.
        Secrets that do not exist yet are masked, and none is generated."""
        return self._target(name, partial(self._changed_values, changes), changes)[0]

    def parsed(
        self, declared: Declared, changes: Changes, among: Changes = NO_CHANGES
    ) -> dict[str, str | None]:
        """*changes* by address, in canonical form, which are made together with those *among* which
        they are. Folders are looked at, and modules asked whether they take a further variable.

        Raises:
            UnknownSettingError: there is no such setting.
            SettingError, JointError: settings that do not take their value.
        """
        values = self._settings.parsed(declared, changes)
        gone = {address for address, value in {**among, **values}.items() if value is None}
        new = {a: s for a, s in _further(declared).items() if values.get(a) is not None}
        errors: list[SettingError] = []
        for module in {address.partition(".")[0] for address in new}:
            own = {a: s for a, s in new.items() if a.startswith(f"{module}.")}
            given = self._settings.addresses - gone
            errors += refused_variables(self.resolved(module), own, given)
        raise_all(errors)
        return values

    def resolved(self, name: str) -> ResolvedModule:
        """The module *name* with its current settings. Secrets are masked, and none is
        generated."""
        module = self._catalog.module(name)
        values = self._settings.masked(self._installation.in_scope(module))
        return resolve(self._catalog, module, values)

    def images(self, name: str) -> list[ImageTarget]:
        """The images of the module *name* with its current settings, also while it can't start
        because a value or a folder is missing. An image whose name contains a secret or a missing
        value raises a SettingError."""
        module = self._catalog.module(name)
        values = self._settings.masked(self._installation.in_scope(module))
        missing = missing_values(self._catalog, module, values)
        values |= {error.data["name"]: MASK for error in missing}
        images = image_targets(resolve(self._catalog, module, values), self._owner)
        for unsure in (n for image in images for n in image.candidates if MASK in n):
            raise SettingError(
                name, Text("the name of its image {image} is not known", image=unsure)
            )
        return images

    def consent(self, name: str) -> Consent | None:
        """What the user agrees to by allowing the module *name* to start now. None for a built-in
        module."""
        return self._consent(self.resolved(name))

    def check_trust(self, name: str) -> None:
        """Check that the module *name* may do all that it asks for now.

        Raises:
            TrustError: the user has not allowed that.
        """
        if error := self._untrusted(self.consent(name)):
            raise error

    def allowed(self, consent: Consent) -> frozenset[tuple[str, str]] | None:
        """The permissions (`Permission.key`) that the user has allowed the module of *consent*;
        None: it may not start at all."""
        return self._allowed(consent.module, consent.folder)

    def trust(self, name: str, hash: str | None = None, *, actor: Actor) -> None:
        """Allow the module *name* to start with the permissions that *hash* stands for; without it,
        with all that it asks for now. *actor* wants that.

        Raises:
            TrustError: it asks for something else by now.
        """
        target = self.target(name)
        if target.consent is None:
            return
        consent = target.consent
        if hash not in (None, consent.hash):
            raise TrustError(consent.as_data(self.allowed(consent)))
        allowed = [list(one.key) for one in consent.asks]
        self._settings.trust(name, Trusted(consent.folder, allowed))
        texts = tuple(in_all_languages(one.text) for one in consent.asks)
        self._settings.journal.add(TrustedEntry(actor=actor, module=name, permissions=texts))

    def distrust(self, name: str, *, actor: Actor) -> None:
        """Take back all that the module *name* was allowed. *actor* wants that."""
        self._settings.distrust(name)
        self._settings.journal.add(DistrustedEntry(actor=actor, module=name))

    @property
    def _owner(self) -> Owner:
        settings = self._settings
        return Owner(settings.installation_id, __version__, str(settings.home.folder))

    @property
    def _catalog(self) -> Catalog:
        return self._installation.catalog

    @property
    def _settings(self) -> Settings:
        return self._installation.settings

    def _changed_values(self, changes: Changes, declared: Declared) -> dict[str, str]:
        to_be_made = {address: MASK for address, s in declared.items() if s.generate}
        unset = {a: s.fallback for a, s in declared.items() if a in changes}
        given = {a: value for a, value in changes.items() if a in unset and value is not None}
        known = self._settings.known({a: s for a, s in declared.items() if a not in unset})
        fallbacks = {a: value for a, value in unset.items() if value is not None}
        return to_be_made | known | fallbacks | given

    def _target(
        self,
        name: str,
        values_of: Callable[[Declared], dict[str, str]],
        new: Iterable[str] = (),
    ) -> tuple[ModuleTarget, ResolvedModule]:
        settings, module = self._settings, self._catalog.module(name)
        declared = self._installation.in_scope(module, new)
        values = values_of(declared)
        unfit = settings.unfit_folders(declared, values)
        raise_all([*missing_values(self._catalog, module, values), *unfit])
        with collecting_opened() as opened:
            resolved = resolve(self._catalog, module, values)
            resolved = with_variables(resolved, _further(declared), values)
            own = settings.app.ca_certificates
            added = replace(resolved, proxies=_proxies(name, values))
            added = with_paths_there(added, settings.engine_host)
            added = with_certificates(added, own.bundle) if own.pem else added
            target = module_target(
                added,
                self._owner,
                bind=settings.app.bind,
                values=values,
                least_log_size=settings.app.logs_engine_size,
            )
        # Judged last, by what was really read.
        consent = self._consent(resolved, opened)
        target = replace(target, consent=consent, untrusted=self._untrusted(consent))
        return with_keep_labels(target, settings.secrets), added

    def _consent(
        self, resolved: ResolvedModule, opened: AbstractSet[str] = frozenset()
    ) -> Consent | None:
        allowed = self._allowed(resolved.module.name, str(resolved.module.folder))
        bind = self._settings.app.bind
        return consent_to(self._catalog, resolved, bind, opened, allowed or frozenset())

    def _allowed(self, module: str, folder: str) -> frozenset[tuple[str, str]] | None:
        trusted = self._settings.trusted(module)
        return trusted.keys if trusted and trusted.folder == folder else None

    def _untrusted(self, consent: Consent | None) -> TrustError | None:
        """Why a module may not start before the user agrees to *consent*."""
        if consent is None or consent.is_covered_by(allowed := self.allowed(consent)):
            return None
        return TrustError(consent.as_data(allowed))


def _further(declared: Declared) -> dict[str, FurtherVariable]:
    return {a: s for a, s in declared.items() if isinstance(s, FurtherVariable)}


def _proxies(module: str, values: Mapping[str, str]) -> dict[str, str] | None:
    """The proxies of *module* alone; None: it has those of Docker's configuration."""
    match values.get(f"{module}.{PROXY_MODE}"):
        case "none":
            return {}
        case "own":
            if not (address := values.get(f"{module}.{PROXY_ADDRESS}")):
                raise without_value(f"{module}.{PROXY_ADDRESS}")
            direct = values.get(f"{module}.{PROXY_EXCEPTIONS}", "")
            return {"HTTP_PROXY": address, "HTTPS_PROXY": address, "NO_PROXY": direct}
    return None


def missing_values(
    catalog: Catalog, module: Module, values: Mapping[str, str]
) -> list[AiServerError]:
    """One error for each setting without a value in *values* (by address) that *module*'s file uses
    without a default (``${NAME:-default}``). An access token is needed only if *module* requires
    the module that issues it. In a plain Compose file, such variables are empty, as in Compose.

    Raises:
        CatalogError, MissingError: as for `Catalog.scope`.
    """
    if not module.declared:
        return []
    scope = catalog.scope(module)
    used = [scope[name] for name, v in module.variables.items() if v.default is None]
    tokens = {f"{module.name}.{name}": provider for name, provider in module.tokens.items()}
    missing = [a for a in used if a not in tokens and a not in {**catalog.defaults, **values}]
    chosen = {name: values.get(f"{module.name}.{name}", "") for name in module.settings}
    needed = module.requires_with(chosen)
    unmade = [a for a, provider in tokens.items() if a not in values and provider in needed]
    return [*map(without_value, missing), *(_without_token(a, module.name) for a in unmade)]


def _without_token(address: str, module: str) -> SettingError:
    why = Text(
        "there is no access token yet. Create one with: aiserver-tray connect {module}",
        module=module,
    )
    return SettingError(address, why)
