"""n8n of others: its encryption key, its own commands that read and carry over its data, and its
triggers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiserver_tray.base.errors import AdoptError, AdoptKeyError
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.adopt.sources import n8n_folder
from aiserver_tray.features.backup.postgres import literal

if TYPE_CHECKING:
    from aiserver_tray.engine.engine import Engine
    from aiserver_tray.features.adopt.copying import Copying, SourceServer
    from aiserver_tray.features.adopt.sources import Source
    from aiserver_tray.spec.model import Body

DATABASE: Final = "n8n"
_KEY: Final = "N8N_ENCRYPTION_KEY"
_SAID: Final = "adopt: "
_CENSUS: Final = """for what in credentials workflow; do
    case $what in credentials) more=--decrypted;; *) more=; esac
    n8n "export:$what" --all $more --output="/adopt/$what.json" >"/adopt/$what.log" 2>&1
done
node -e '
const fs = require("fs");
const read = (name) => {
  try { return fs.readFileSync(`/adopt/${name}`, "utf8"); } catch { return ""; }
};
const count = (name) => {
  const text = read(`${name}.json`);
  if (text) return JSON.parse(text).length;
  return /No (credentials|workflows) found/.test(read(`${name}.log`)) ? 0 : null;
};
const log = read("credentials.log");
const lines = log.trim().split("\\n").filter((line) => !/^ +at /.test(line));
const why = lines.slice(-6).join(" ").slice(-600);
const isKey = /encryption key/i.test(log);
const found = { credentials: count("credentials"), workflows: count("workflow"), isKey, why };
console.log("adopt: " + JSON.stringify(found));
'"""
"""Counts with n8n's own commands. They decrypt all credentials, into memory only."""
_EXPORT: Final = (
    'n8n export:entities --outputDir="$FOLDER/.adopt" && test -s "$FOLDER/.adopt/entities.zip"'
)
_IMPORT: Final = 'n8n import:entities --inputDir="$FOLDER/.adopt" --truncateTables=true'
"""Both exit with 0 also after errors: what counts is what is there then."""
_TIDY: Final = 'rm -rf "$FOLDER"/.adopt "$FOLDER"/database.sqlite*'
_ACTIVE: Final = """SELECT coalesce(json_object_agg(w.id, to_jsonb(w) ->> 'activeVersionId'), '{}')
FROM public.workflow_entity w WHERE w.active OR to_jsonb(w) ->> 'activeVersionId' IS NOT NULL"""
_SETTINGS: Final = {
    "GENERIC_TIMEZONE": "N8N_TIMEZONE",
    "EXECUTIONS_TIMEOUT": "N8N_EXECUTIONS_TIMEOUT",
    "EXECUTIONS_TIMEOUT_MAX": "N8N_EXECUTIONS_TIMEOUT_MAX",
    "EXECUTIONS_DATA_PRUNE": "N8N_EXECUTIONS_PRUNE",
    "EXECUTIONS_DATA_MAX_AGE": "N8N_EXECUTIONS_MAX_AGE",
    "EXECUTIONS_DATA_PRUNE_MAX_COUNT": "N8N_EXECUTIONS_MAX_COUNT",
    "N8N_COMMUNITY_PACKAGES_REGISTRY": "N8N_PACKAGES_REGISTRY",
    "N8N_PAYLOAD_SIZE_MAX": "N8N_PAYLOAD_SIZE",
    "N8N_FORMDATA_FILE_SIZE_MAX": "N8N_FORM_FILE_SIZE",
} | {name: name for name in (
    "N8N_SMTP_HOST", "N8N_SMTP_PORT", "N8N_SMTP_SSL", "N8N_SMTP_STARTTLS", "N8N_SMTP_USER",
    "N8N_SMTP_PASS", "N8N_SMTP_SENDER",
)}  # fmt: skip
"""By variable of n8n, the setting of ours."""
TABLES: Final = {"workflows": "workflow_entity", "credentials": "credentials_entity"}


@dataclass(frozen=True)
class Census:
    """What an n8n has."""

    workflows: int
    credentials: int


def settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What is set in *environment* of the settings of ours."""
    return {
        ours: environment[theirs] for theirs, ours in _SETTINGS.items() if environment.get(theirs)
    }


def find_key(engine: "Engine", source: "Source") -> str:
    """The encryption key of *source*, from its environment or its file ``config``.

    Raises:
        AdoptKeyError: it has none.
    """
    main, folder = source.main, n8n_folder(source.main)
    if key := main.environment.get(_KEY):
        return key
    read = engine.containers.read_file
    if (path := main.environment.get(f"{_KEY}_FILE")) and (content := read(main.id, path)):
        return content.decode(errors="replace").strip()
    try:
        key = json.loads(read(main.id, f"{folder}/config") or b"{}").get("encryptionKey", "")
    except ValueError:
        key = ""
    if not isinstance(key, str) or not key:
        text = Text(
            "{container} has no encryption key: neither in its variable {variable}, nor in its "
            "file {path}. Start it once, so that it makes one.",
            container=source.name,
            variable=_KEY,
            path=f"{folder}/config",
        )
        raise AdoptKeyError(text, module=source.kind)
    return key


@dataclass
class N8n:
    """The n8n that *copying* copies, whose encryption key is *key*."""

    copying: "Copying"
    key: str

    def census(self, server: "SourceServer | None" = None, database: str = "") -> Census:
        """Count what it has, as n8n itself does. It is in *database* of *server*, or in SQLite.

        Raises:
            AdoptKeyError: *key* does not open its credentials.
            AdoptError: n8n does not start on the copy.
        """
        lines = self._run(_CENSUS, server, database)
        said = next((one for one in lines if one.startswith(_SAID)), f"{_SAID}{{}}")
        found = json.loads(said.removeprefix(_SAID))
        # With another key than that of its file `config`, n8n begins nothing at all.
        if found.get("workflows") is None and not found.get("isKey"):
            raise self._failed(found.get("why") or " ".join(lines[-6:]))
        if found["credentials"] is None:
            text = Text(
                "The encryption key that was found does not open the credentials of {container}. "
                "Nothing was changed. Put the right key into its variable {variable}, and begin "
                "again. n8n reports: {why}",
                container=self.copying.source.name,
                variable=_KEY,
                why=found["why"],
            )
            raise AdoptKeyError(text, module="n8n")
        return Census(found["workflows"], found["credentials"])

    def carry_over(self, server: "SourceServer") -> None:
        """Bring the copy from SQLite into the empty *server* with n8n's own commands, both in its
        own version: that alone knows its tables.

        Raises:
            AdoptError: n8n can't do it; quotes why.
        """
        self._run(_EXPORT)
        server.create(DATABASE)
        self._run(_IMPORT, server, DATABASE)
        server.renew_sequences(DATABASE)

    def tidy(self) -> None:
        """Remove the SQLite database, which is in PostgreSQL by now, from the copy."""
        self._run(_TIDY)

    def _run(
        self, script: str, server: "SourceServer | None" = None, database: str = ""
    ) -> list[str]:
        source, clones = self.copying.source, self.copying.clones
        folder = n8n_folder(source.main)
        environment = {
            _KEY: self.key,
            "N8N_USER_FOLDER": folder.rpartition("/")[0],
            "FOLDER": folder,
            "N8N_DIAGNOSTICS_ENABLED": "false",
            "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
            # Files that belong to others, as on Windows, are no reason to stop.
            "N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS": "false",
            **(_access(server, database) if server else {"DB_TYPE": "sqlite"}),
        }
        files = [{"Type": "volume", "Source": clones["data"], "Target": folder}]
        body: Body = {
            "Image": source.main.image_id,
            "Entrypoint": ["sh", "-c", script],
            "Cmd": [],
            "User": source.main.user,
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "HostConfig": {
                "NetworkMode": f"container:{server.container}" if server else "none",
                "LogConfig": {"Type": "json-file"},
                "Mounts": files if "data" in clones else [],
                "Tmpfs": {"/adopt": "mode=1777"},
            },
        }
        return self.copying.run(body, self._failed)

    def _failed(self, why: str) -> AdoptError:
        source = self.copying.source
        text = Text(
            "n8n {version} can't read the copy of its data. Nothing was changed. If it is older "
            "than 2.0, bring it to the newest version there first. n8n reports: {why}",
            version=source.version,
            why=why,
        )
        return AdoptError(text, module="n8n")


def _access(server: "SourceServer", database: str) -> dict[str, str]:
    """The variables with which n8n uses *database* of *server* in its own network."""
    return {
        "DB_TYPE": "postgresdb",
        "DB_POSTGRESDB_HOST": "127.0.0.1",
        "DB_POSTGRESDB_PORT": "5432",
        "DB_POSTGRESDB_DATABASE": database,
        "DB_POSTGRESDB_USER": server.user,
        "DB_POSTGRESDB_PASSWORD": server.password,
    }


def active(server: "SourceServer", database: str) -> dict[str, str | None]:
    """By workflow whose triggers are on, its version that is published; None: its present one."""
    return dict(server.values(database, _ACTIVE))


def silence(server: "SourceServer", database: str) -> None:
    """Turn all triggers off, as n8n's command unpublish:workflow does, in any version of its
    tables."""
    server.execute(
        database,
        """UPDATE public.workflow_entity SET active = false;
SELECT 'UPDATE public.workflow_entity SET "activeVersionId" = NULL' FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = 'workflow_entity' AND column_name = 'activeVersionId'
\\gexec
""",
    )


def publish(server: "SourceServer", database: str, workflows: Mapping[str, str | None]) -> int:
    """Turn the triggers of *workflows* on, as n8n's command publish:workflow does, and return how
    many of them are on then. n8n must not run. Those that were removed or have no such version any
    more stay off."""
    server.execute(database, "".join(
        f"""UPDATE public.workflow_entity w SET active = true, "activeVersionId" = h."versionId"
FROM public.workflow_history h WHERE w.id = {literal(id)} AND NOT w."isArchived"
AND h."workflowId" = w.id AND h."versionId" = coalesce({literal(version) if version else "NULL"},
w."versionId");
"""
        for id, version in workflows.items()
    ))  # fmt: skip
    return len(active(server, database))
