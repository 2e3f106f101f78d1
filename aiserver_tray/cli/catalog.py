"""``aiserver-tray catalog``: the modules as declared and as resolved."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiserver_tray.base.i18n import Language, Text, rendered
from aiserver_tray.base.strings import harmless, in_line
from aiserver_tray.catalog.compose.dotenv import read_env_file
from aiserver_tray.catalog.resolve import compose_config
from aiserver_tray.cli import complete
from aiserver_tray.cli.common import (
    UsageError,
    as_json_option,
    common_options,
    current_app,
    print_json,
    print_table,
    report,
)
from aiserver_tray.features.configuration.forms import setting_json

if TYPE_CHECKING:
    from aiserver_tray.core.app import App


@click.group()
@common_options
def command() -> None:
    """List, show and check modules."""


@command.command("list")
@as_json_option
@common_options
def list_(as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """List all modules."""
    app = current_app()
    rows: list[dict[str, Any]] = [
        {
            "name": module.name,
            "kind": module.kind,
            "title": app.say(module.title),
            "summary": app.say(module.summary),
            "requires": list(module.requires),
            "file": str(module.file),
        }
        for module in sorted(app.catalog.modules.values(), key=lambda m: (m.kind, m.name))
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(
            (Text("NAME"), Text("KIND"), Text("REQUIRES"), Text("DESCRIPTION")),
            [
                (
                    r["name"],
                    r["kind"],
                    ", ".join(r["requires"]) or "-",
                    _joined(r["title"], r["summary"]),
                )
                for r in rows
            ],
            app.language,
        )
    report(problem.render(app.language) for problem in app.catalog.problems)


@command.command()
@click.argument("module", shell_complete=complete.modules)
@as_json_option
@common_options
def show(module: str, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Show a module with its settings and services. Secrets are masked."""
    app = current_app()
    shown = _description(app, module)
    if as_json:
        print_json(shown)
    else:
        _print_module(shown, app.language)


def _description(app: "App", name: str) -> dict[str, Any]:
    resolved = app.targets.resolved(name)
    module = resolved.module
    addresses = [f"{name}.{setting}" for setting in module.settings]
    entries = app.settings.entries({address: app.declared[address] for address in addresses})
    consent = app.targets.consent(name)
    return {
        "name": name,
        "kind": module.kind,
        "title": app.say(module.title),
        "summary": app.say(module.summary),
        "file": str(module.file),
        "open": app.model(name).open,  # as in the `status` of a stopped module
        "requires": list(resolved.requires),
        "needs": module.needs.model_dump(exclude_defaults=True),
        "settings": [setting_json(entry, app.language) for entry in entries],
        "services": [
            {"name": service, "image": model.get("image"), "ports": _ports(model)}
            for service, model in resolved.project.to_compose()["services"].items()
        ],
        "permissions": rendered(consent.as_data()["permissions"], app.language) if consent else [],
    }


def _ports(service: dict[str, Any]) -> list[str]:
    return [
        f"{port.get('published', '')}:{port['target']}/{port['protocol']}"
        for port in service.get("ports", ())
    ]


def _print_module(shown: dict[str, Any], language: Language) -> None:
    for key in ("name", "title", "summary", "kind", "file", "open"):
        if shown[key]:
            click.echo(f"{key + ':':<10}{harmless(shown[key])}")
    click.echo(f"{'requires:':<10}{in_line(', '.join(shown['requires'])) or '-'}")
    click.echo(f"{'needs:':<10}{_needs(shown['needs']) or '-'}\n")
    print_table(
        (Text("SETTING"), Text("TYPE"), Text("VALUE"), Text("TITLE")),
        [(s["address"], _type(s), s["value"], s["title"]) for s in shown["settings"]],
        language,
    )
    click.echo()
    built = Text("(built)").render(language)
    print_table(
        (Text("SERVICE"), Text("IMAGE"), Text("PORTS")),
        [(s["name"], s["image"] or built, ", ".join(s["ports"]) or "-") for s in shown["services"]],
        language,
    )
    if shown["permissions"]:
        click.echo()
        click.echo(Text("Needs your permission to:").render(language))
    for permission in shown["permissions"]:
        click.echo(f"- {in_line(permission['text'])}")


def _type(setting: Mapping[str, Any]) -> str:
    """The type of a setting, and the options of a choice."""
    return _joined(setting["type"], ", ".join(setting["choices"]))


def _joined(*words: str) -> str:
    return ": ".join(filter(None, words))


def _needs(needs: Mapping[str, Any]) -> str:
    sizes = {name: size for name, size in needs.items() if name != "sysctls"}
    values = {**sizes, **needs.get("sysctls", {})}
    return ", ".join(f"{name} {value}" for name, value in values.items())


@command.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), required=False)
@as_json_option
@common_options
def check(path: Path | None, as_json: bool) -> None:  # noqa: FBT001 - a command line flag
    """Check the catalog, or PATH only. Show each problem with its file, line and key."""
    app = current_app()
    report = app.check(path)
    if as_json:
        print_json(report.as_data(app.language))
    else:
        for line in report.lines(app.language):
            click.echo(harmless(line))
    if not report.checked:
        raise UsageError(Text("no module found in {path}", path=path))
    sys.exit(1 if report.problems else 0)


@command.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read values of variables from this file.",
)
@as_json_option
@common_options
def config(source: Path, env_file: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Print the resolved Compose model of SOURCE, a Compose file or a module's folder."""
    values = read_env_file(env_file) if env_file else None
    model = compose_config(current_app().catalog, source, values)
    if as_json:
        print_json(model)
    else:
        import yaml  # noqa: PLC0415 - slow, and seldom wanted

        click.echo(yaml.safe_dump(model, allow_unicode=True, sort_keys=True), nl=False)
