"""What the user gives to services beside what their module's file sets.

Further variables: each is a setting with an address of its own, ``MODULE.variable.SERVICE.NAME``,
or ``MODULE.secret.SERVICE.NAME`` if its value is a secret. The settings that every module has: its
proxy. Certificates of own authorities."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from aiserver_tray.base.errors import SettingError, raise_all
from aiserver_tray.base.i18n import Listed, LocalText, Text
from aiserver_tray.base.strings import host_of
from aiserver_tray.catalog.catalog import Catalog
from aiserver_tray.catalog.compose.resources import Config, FileMount
from aiserver_tray.catalog.modules import Module
from aiserver_tray.catalog.resolve import ResolvedModule
from aiserver_tray.catalog.setting import Choice, Setting

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


class ProxySetting(Setting):
    """A secret that takes the address of a proxy, which may have a password."""

    def _read(self, text: str) -> str | Text:
        address = text.strip()
        host = host_of(address, ("http", "https", "socks5", "socks5h"))
        if not host:
            return Text("expected an address such as http://proxy.example.com:3128")
        if host in ("localhost", "::1") or host.startswith("127."):
            return Text(
                "in a container, {host} is the container itself. Use an address of this computer "
                "in its network, or host.docker.internal with Docker Desktop",
                host=host,
            )
        return address


PROXY_MODE: Final = "proxy-mode"
PROXY_ADDRESS: Final = "proxy-address"
PROXY_EXCEPTIONS: Final = "proxy-exceptions"
_PROXY: Final[LocalText] = {"en": "Proxy", "zh": "代理"}

MODULE_SETTINGS: Final[Mapping[str, Setting]] = {
    PROXY_MODE: Setting(
        type="choice",
        default="docker",
        group=_PROXY,
        title={"en": "Way to the internet", "zh": "访问互联网的方式"},
        choices={
            "docker": Choice(title={"en": "As Docker is configured", "zh": "与 Docker 配置相同"}),
            "none": Choice(title={"en": "No proxy", "zh": "不使用代理"}),
            "own": Choice(title={"en": "Own proxy", "zh": "单独的代理"}),
        },
    ),
    PROXY_ADDRESS: ProxySetting(
        type="secret",
        group=_PROXY,
        title={"en": "Address of the own proxy", "zh": "单独代理的地址"},
        help={
            "en": "Such as http://user:password@proxy:3128.",
            "zh": "例如 http://user:password@proxy:3128。",
        },
    ),
    PROXY_EXCEPTIONS: Setting(
        group=_PROXY,
        title={"en": "Hosts that need no own proxy", "zh": "不经单独代理的主机"},
        help={
            "en": "Besides services of modules. Separated by commas: .example.com,10.0.0.0/8.",
            "zh": "各模块的服务之外的主机，以逗号分隔，例如 .example.com,10.0.0.0/8。",
        },
    ),
}
"""The settings that every module has, by name. No variable of a Compose file has a hyphen."""


def further_settings(catalog: Catalog, addresses: Sequence[str]) -> dict[str, Setting]:
    """Those of *addresses* that are settings of a module of *catalog*, without being declared in
    its file."""
    found = {a: MODULE_SETTINGS.get(a.partition(".")[2]) or _variable(a) for a in addresses}
    return {
        address: setting
        for address, setting in found.items()
        if setting and address.partition(".")[0] in catalog.modules
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
