"""Top-level networks, volumes, secrets and configs, and how a service refers to them."""

from typing import Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from aiserver_tray.catalog.compose.fields import (
    Extensible,
    Flag,
    Given,
    Items,
    Mapping,
    Options,
    TruncatedNumber,
    Unsigned,
    UnsignedTruncated,
    WholeBytes,
    WholeOrText,
    one_of,
)


class IpamPool(Extensible):
    """One range of addresses of a network."""

    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    aux_addresses: dict[str, str] = Field(default_factory=dict)


class Ipam(Extensible):
    """The address pools of a network."""

    driver: str = ""
    config: list[IpamPool] = Field(default_factory=list)
    options: dict[str, str] = Field(default_factory=dict, exclude=True)


class Network(Extensible):
    """A network of the project, or an external one."""

    name: str = ""
    driver: str = ""
    driver_opts: Options = Field(default_factory=dict)
    ipam: Ipam = Ipam()
    external: Flag = False
    internal: Flag = False
    attachable: Flag = False
    labels: Mapping = Field(default_factory=dict)
    enable_ipv4: Given[Flag] = None
    enable_ipv6: Given[Flag] = None


class Volume(Extensible):
    """A named volume of the project, or an external one."""

    name: str = ""
    driver: str = ""
    driver_opts: Options = Field(default_factory=dict)
    external: Flag = False
    labels: Mapping = Field(default_factory=dict)


class _FileObject(Extensible):
    name: str = ""
    file: str = ""
    environment: str = ""
    external: Flag = False
    labels: Mapping = Field(default_factory=dict)
    template_driver: str = ""


class Secret(_FileObject):
    """A secret, from a file or a variable."""

    driver: str = ""
    driver_opts: dict[str, WholeOrText] = Field(default_factory=dict)


class Config(_FileObject):
    """A configuration file, from a file, a variable or the text in ``content``."""

    content: str = ""

    @model_serializer(mode="wrap")
    def _source_only(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Content that a variable gave doesn't print."""
        printed = self._without_empty(handler)
        if self.environment:
            printed.pop("content", None)
        return printed


class FileMount(Extensible):
    """A service's use of a secret or config; ``mode`` are permission bits."""

    source: str = ""
    target: str = ""
    uid: str = ""
    gid: str = ""
    mode: Given[UnsignedTruncated] = None


class ServiceNetwork(Extensible):
    """The connection of a service to a network."""

    priority: TruncatedNumber = 0
    gw_priority: TruncatedNumber = Field(default=0, exclude=True)
    """Compose 2.26 takes it and never prints it."""
    aliases: Items = Field(default_factory=list)
    ipv4_address: str = ""
    ipv6_address: str = ""
    link_local_ips: Items = Field(default_factory=list)
    mac_address: str = ""
    driver_opts: Options = Field(default_factory=dict)


class Port(Extensible):
    """One published port; ``published`` may be a range such as ``8000-8010``."""

    name: str = ""
    mode: str = ""
    host_ip: str = ""
    target: Unsigned
    published: WholeOrText = ""
    protocol: str = ""
    app_protocol: str = ""


class BindOptions(Extensible):
    """Options of a mount of type bind."""

    selinux: Annotated[str, one_of("z", "Z")] = ""
    propagation: str = ""
    create_host_path: Flag = False
    recursive: Annotated[str, one_of("enabled", "disabled", "writable", "readonly")] = ""


class VolumeOptions(Extensible):
    """Options of a mount of type volume."""

    nocopy: Flag = False
    subpath: str = ""


class TmpfsOptions(Extensible):
    """Options of a mount of type tmpfs; ``mode`` are permission bits."""

    size: WholeBytes = 0
    mode: UnsignedTruncated = 0


class Mount(Extensible):
    """One of a service's volumes."""

    type: str
    source: str = ""
    target: str
    read_only: Flag = False
    consistency: str = ""
    bind: Given[BindOptions] = None
    volume: Given[VolumeOptions] = None
    tmpfs: Given[TmpfsOptions] = None
