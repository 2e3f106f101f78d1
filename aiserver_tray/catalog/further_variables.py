"""What the user gives to services beside what their module's file sets.

Further variables: each is a setting with an address of its own, ``MODULE.variable.SERVICE.NAME``,
or ``MODULE.secret.SERVICE.NAME`` if its value is a secret. Certificates of own
authorities."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Final

from aiserver_tray.base.errors import SettingError, raise_all
from aiserver_tray.base.i18n import Listed, Text
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.resources import Config, FileMount
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.catalog.setting import Setting

_ADDRESS = re.compile(
    r"(?P<module>[^.]+)\.(?P<kind>variable|secret)\.(?P<service>[^.]+)\."
    r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,199})"
)
"""A name may have dots, as those of Elasticsearch have, and so a service has none."""

CERTIFICATES: Final = "/etc/aiserver/ca-certificates.pem"
"""The file in containers with the certificates that they trust."""
CERTIFICATE_VARIABLES: Final = {
    "NODE_EXTRA_CA_CERTS": CERTIFICATES,  # Node.js
    "SSL_CERT_FILE": CERTIFICATES,  # OpenSSL, and so Python; Go; Rust's native roots
    "REQUESTS_CA_BUNDLE": CERTIFICATES,  # Python's requests, which has roots of its own
    "CURL_CA_BUNDLE": CERTIFICATES,
}


class FurtherVariable(Setting):
    """A variable *name* of *service*, and the address of its other kind."""

    service: str
    name: str
    sibling: str


def further_variables(catalog: Catalog, addresses: Iterable[str]) -> dict[str, FurtherVariable]:
    """Those of *addresses* that are further variables of a module of *catalog*."""
    found = {address: _variable(address) for address in sorted(addresses)}
    return {
        address: variable
        for address, variable in found.items()
        if variable and address.partition(".")[0] in catalog.modules
    }


def _variable(address: str) -> FurtherVariable | None:
    if (match := _ADDRESS.fullmatch(address)) is None:
        return None
    module, kind, service, name = match.groups()
    title = f"{name} ({service})"
    return FurtherVariable(
        type="secret" if kind == "secret" else "text",
        title={"en": title, "zh": title},
        service=service,
        name=name,
        sibling=f"{module}.{'variable' if kind == 'secret' else 'secret'}.{service}.{name}",
    )


def services_with_variables(module: Module) -> list[str]:
    """The services of *module* that can get further variables."""
    return [service for service in module.section("services") if "." not in service]


def refused_variables(
    resolved: ResolvedModule,
    variables: Mapping[str, FurtherVariable],
    given: Iterable[str],
) -> list[SettingError]:
    """One error for each of *variables* that can't be added to *resolved*, beside those that are
    *given* already: its service does not exist, or it has another value there."""
    taken = {*given, *variables}
    found = {a: _why_refused(resolved, one, taken) for a, one in variables.items()}
    return [SettingError(address, why) for address, why in found.items() if why]


def _why_refused(
    resolved: ResolvedModule, variable: FurtherVariable, taken: Container[str]
) -> Text | None:
    names = {"service": variable.service, "name": variable.name}
    known = services_with_variables(resolved.module)
    if variable.service not in known:
        return Text(
            "there is no service {service}. There are {known}", **names, known=Listed(known)
        )
    service = resolved.project.services.get(variable.service)
    if service and variable.name in service.environment:
        return Text(
            "the module itself sets {name} of {service}, so it can't be set here. Look for a "
            "setting of the module that changes it",
            **names,
        )
    if variable.sibling in taken:
        other = variable.sibling
        return Text("{name} of {service} is set twice. Remove {other} first", **names, other=other)
    return None


def with_variables(
    resolved: ResolvedModule, variables: Mapping[str, FurtherVariable], values: Mapping[str, str]
) -> ResolvedModule:
    """*resolved* with those of *variables* that have a value, by address.

    Raises:
        SettingError, JointError: the module's file sets one of them by now; names it.
    """
    found = {a: v for a, v in variables.items() if a in values}
    if not found:
        return resolved
    raise_all(refused_variables(resolved, found, ()))
    services = dict(resolved.project.services)
    for address, variable in found.items():
        if service := services.get(variable.service):  # not one of an inactive profile
            environment = {**service.environment, variable.name: values[address]}
            services[variable.service] = service.model_copy(update={"environment": environment})
    return replace(resolved, project=resolved.project.model_copy(update={"services": services}))


def with_certificates(resolved: ResolvedModule, bundle: str) -> ResolvedModule:
    """*resolved* with the certificates in *bundle*, which its services get as a file that everyone
    can read, with the variables that name it to programs. One that a service sets itself stays. A
    service without a network gets nothing."""
    project, name = resolved.project, "aiserver-ca-certificates"
    mount = FileMount(source=name, target=CERTIFICATES)
    services = {
        key: service.model_copy(
            update={
                "environment": {**CERTIFICATE_VARIABLES, **service.environment},
                "configs": [*service.configs, mount],
            }
        )
        for key, service in project.services.items()
        if service.network_mode != "none"
    }
    added = {
        "services": {**project.services, **services},
        "configs": {**project.configs, name: Config(content=bundle)},
    }
    return replace(resolved, project=project.model_copy(update=added))
