"""What all kinds of alert rules have: parameters, words, and a way to find trouble. Pure."""

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler

from aiserver_tray.base.codec import NEVER_SENT
from aiserver_tray.base.i18n import Given, Language, LocalText, Text
from aiserver_tray.features.alerts.facts import Disk, Due, Excess, Hits, Subject
from aiserver_tray.features.alerts.services import WatchedService
from aiserver_tray.state.views import ModuleView

_LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")

# -- parameters -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a rule, as a form asks for it."""

    type: Literal["number", "choice", "text"]
    label: Text
    meaning: str = field(metadata=NEVER_SENT)
    """For the documentation of the channels."""
    unit: Text | None = None
    min: float = 0
    """the least number"""
    max: float = 0
    """the greatest number, or the most characters of a text"""
    choices: Mapping[str, Any] = field(default_factory=dict)
    """value -> its label; the empty one stands for `null`"""
    suggested: str | None = None
    """the choice that a form begins with"""
    example: str = ""
    """of a text"""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> Any:  # noqa: ANN401 - pydantic's
        """The schema of a field with this annotation: with its bounds."""
        bounds: Mapping[str, Mapping[str, object]] = {
            "number": {"ge": self.min, "le": self.max},
            "text": {"max_length": self.max},
        }
        return {**handler(source), **bounds.get(self.type, {})}


def number(label: Text, unit: str, max: float, meaning: str) -> Parameter:
    """A number from 0 to *max*, with a *unit* that is the same in each language."""
    return Parameter(type="number", label=label, meaning=meaning, unit=Given({"en": unit}), max=max)


def several(label: Text, unit: Text, max: float, meaning: str) -> Parameter:
    """A number from 1 to *max*."""
    return Parameter(type="number", label=label, meaning=meaning, unit=unit, min=1, max=max)


def duration(label: Text, meaning: str) -> Parameter:
    """At most a day."""
    unit = Text("min")
    return Parameter(type="number", label=label, meaning=meaning, unit=unit, max=24 * 60)


Lasting = Annotated[float, duration(Text("For"), "how long it must be so")]

# -- what rules find ------------------------------------------------------------------------------

Key = tuple[str, str | None, str | None]
"""What an alert is about: there is at most one at a time. Group of kinds, module, service."""


@dataclass(frozen=True)
class Facts:
    """What is known when rules are evaluated. While Docker is off, nothing of its services is."""

    modules: Mapping[str, ModuleView]
    hits: Mapping[str, Mapping[tuple[str, str], Hits]]
    """Lines that matched: by the id of the rule, then by module and service."""
    services: Sequence[WatchedService] = ()
    """The services that should run."""
    excesses: Mapping[str, Mapping[Subject, Excess]] = field(default_factory=dict)
    """By the id of the rule."""
    disk: Disk | None = None
    """None: not known."""
    is_home_full: bool = False
    """No logs are kept, because the disk of the home folder is full."""
    backup_trouble: Text | None = None
    """Why there is no recent good backup."""
    models_trouble: Text | None = None
    """What the last check of models found broken."""
    addresses: Mapping[str, Text] = field(default_factory=dict)
    """The modules whose address in the network does not work, and why."""


@dataclass(frozen=True)
class Finding:
    """Something that a rule finds to be so now."""

    rule: "Rule"
    module: str | None
    service: str | None
    name: LocalText
    """Of the module or the service."""
    text: Text
    page: str
    """The dashboard's address."""
    count: int = 1
    """The number of matching lines."""
    is_known: bool = False
    """The user knows it already."""

    @property
    def key(self) -> Key:
        """What it is about."""
        return self.rule.group(self.rule.id), self.module, self.service


# -- rules ----------------------------------------------------------------------------------------

KINDS: Final[dict[str, type["Rule"]]] = {}
"""The class of each kind of rules, in the order in which they are listed."""


class Rule(BaseModel):
    """An alert rule. A subclass whose ``kind`` has a default is a kind of rules. The documentation
    has its docstring. Its parameters are the fields with a `Parameter` in their annotation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: str
    is_on: bool = True
    module: str | None = None
    """The only module that it is about. None: every module."""
    cooldown: Annotated[
        float,
        duration(Text("Notify again after"), "minutes between notifications about the same thing"),
    ] = 10

    label: ClassVar[Text | None] = None
    """The choice in the form of a new rule. None: users can't add such rules."""
    title: ClassVar[Text]
    """Of its alerts. ``{name}``: the module or the service."""
    text: ClassVar[Text]
    """What a rule looks for, with its parameters."""
    recovery: ClassVar[Text | None]
    """What is said when an alert is over. None: nothing."""
    several: ClassVar[Text]
    """Of kinds with a severity: the title of alerts that begin together, with ``{count}`` and
    ``{total}`` services of the module ``{name}``."""
    several_recovered: ClassVar[Text]
    """Of these kinds: what is said when such alerts are over, and the module does not run fully."""
    page: ClassVar[str] = "modules/{module}/logs?service={service}"
    """The address of the dashboard where the user sees it."""
    severity: ClassVar[int] = 0
    """Above 0: a service does not work. Such kinds share an alert for each service; the most severe
    one says it."""
    default: ClassVar[Mapping[str, object] | None] = None
    """The parameters of the rule that every home has. None: there is none."""
    has_stop_button: ClassVar[bool] = False
    """A notification offers to stop the module."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        kind = cls.model_fields["kind"]
        if not kind.is_required():
            KINDS[kind.default] = cls

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """By name: its own first, then those that several kinds have."""
        names = [name for one in cls.__mro__ for name in inspect.get_annotations(one)]
        fields = {name: cls.model_fields[name] for name in names if name in cls.model_fields}
        found = ((name, one) for name, field in fields.items() for one in field.metadata)
        return {name: one for name, one in found if isinstance(one, Parameter)}

    @classmethod
    def group(cls, _rule: str) -> str:
        """What the alerts of several rules have in common if they are one alert."""
        return "service" if cls.severity else str(cls.model_fields["kind"].default)

    @abstractmethod
    def find(self, facts: Facts, due: Due) -> Iterator[Finding]:
        """What the rule finds now. *due* gets the times at which it may find something else."""

    def describe(self) -> Text:
        """What it looks for, in a line."""
        return self.text.with_values(self.values())

    def values(self) -> dict[str, object]:
        """Its parameters, without needless digits."""
        found = {name: getattr(self, name) for name in self.parameters()}
        return {name: f"{one:g}" if isinstance(one, float) else one for name, one in found.items()}

    def state(self, _disk: Disk | None) -> str | None:
        """What it measures now, such as the free disk space. None: nothing."""
        return None

    def check(self) -> None:
        """Raise an `AiServerError` that says which values are of no use."""

    def finding(
        self, text: Text, module: ModuleView, service: str | None, *, is_known: bool = False
    ) -> Finding:
        """It finds *text* about *module*, or about a service of it."""
        said = text_about(module, service, text)
        page = self.page.format(module=module.name, service=service)
        name = name_of(module, service)
        return Finding(self, module.name, service, name, said, page, is_known=is_known)


def name_of(module: ModuleView, service: str | None) -> LocalText:
    """*service* of *module*, or the module where that says as much, in each language."""
    title = {language: module.title_in(language) for language in _LANGUAGES}
    if service is None or len(module.services) == 1:
        return title
    name = Text("{service} of {module}", service=service, module=Given(title))
    return {language: name.render(language) for language in _LANGUAGES}


def text_about(module: ModuleView, service: str | None, text: Text) -> Text:
    """*text* below a title with `name_of`: with the service where that has another name."""
    if service in (None, module.name) or len(module.services) > 1:
        return text
    return Text("{name}: {why}", name=service, why=text)
