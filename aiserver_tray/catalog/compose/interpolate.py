"""Replacing variables in a whole tree, and converting the results to the types that Compose
expects."""

import re
from collections.abc import Callable
from typing import Any

from aiserver_tray.base.errors.base import WordedError
from aiserver_tray.base.i18n import Text
from aiserver_tray.catalog.compose.keypath import KeyPath, Report
from aiserver_tray.catalog.compose.patterns import Trie, step, trie
from aiserver_tray.catalog.compose.scalars import FLAGS
from aiserver_tray.catalog.compose.template import Lookup, TemplateError, substitute

Cast = Callable[[str], int | float | bool]

_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class _CastError(WordedError):
    """``text`` is the expected type."""


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text) or not -(2**63) <= (value := int(text[:40])) < 2**63:
        raise _CastError(Text("a whole number"))
    return value


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or abs(value := float(text)) == float("inf"):
        raise _CastError(Text("a number"))
    return value


def _boolean(text: str) -> bool:
    if (value := FLAGS.get(text.lower())) is None:
        raise _CastError(Text("true or false"))
    return value


# The oracle's table (compose-go, loader/interpolate.go). Everything else stays text.
_CASTS: Trie[Cast] = trie(
    {
        _whole: (
            "services.*.configs.*.mode services.*.cpu_count services.*.cpu_period"
            " services.*.cpu_quota services.*.cpu_rt_period services.*.cpu_rt_runtime"
            " services.*.cpu_shares services.*.deploy.replicas"
            " services.*.deploy.update_config.parallelism"
            " services.*.deploy.rollback_config.parallelism"
            " services.*.deploy.restart_policy.max_attempts"
            " services.*.deploy.placement.max_replicas_per_node services.*.healthcheck.retries"
            " services.*.oom_score_adj services.*.pids_limit services.*.ports.*.target"
            " services.*.scale services.*.secrets.*.mode services.*.ulimits.*"
            " services.*.ulimits.*.hard services.*.ulimits.*.soft"
        ),
        _number: (
            "services.*.cpu_percent services.*.cpus"
            " services.*.deploy.update_config.max_failure_ratio"
            " services.*.deploy.rollback_config.max_failure_ratio"
        ),
        _boolean: (
            "services.*.init services.*.healthcheck.disable services.*.oom_kill_disable"
            " services.*.privileged services.*.read_only services.*.stdin_open services.*.tty"
            " services.*.volumes.*.read_only services.*.volumes.*.volume.nocopy"
            " networks.*.external networks.*.internal networks.*.attachable"
            " networks.*.enable_ipv4 networks.*.enable_ipv6"
            " volumes.*.external secrets.*.external configs.*.external"
        ),
    }
)


def interpolate(tree: dict[str, Any], lookup: Lookup, report: Report) -> dict[str, Any]:
    """A copy of *tree* with variables replaced, and text converted to numbers and booleans as
    Docker Compose does. A value that can't be replaced is reported and left unchanged."""
    filled: dict[str, Any] = _filled(tree, (), _CASTS, lookup, report)
    return filled


def _filled(
    value: Any,  # noqa: ANN401 - the file may contain anything
    path: KeyPath,
    casts: Trie[Cast] | None,
    lookup: Lookup,
    report: Report,
) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return _text(value, path, casts.value if casts else None, lookup, report)
    if isinstance(value, dict):
        return {
            key: _filled(item, (*path, key), step(casts, key), lookup, report)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _filled(item, (*path, index), step(casts, index), lookup, report)
            for index, item in enumerate(value)
        ]
    return value


def _text(template: str, path: KeyPath, cast: Cast | None, lookup: Lookup, report: Report) -> Any:  # noqa: ANN401
    try:
        text = substitute(template, lookup)
        return cast(text) if cast else text
    except TemplateError as error:
        report(path, error.text)
    except _CastError as error:
        report(path, Text("expected {expected}, found {found!r}", expected=error.text, found=text))
    return template
