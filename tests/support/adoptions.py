"""Adoptions as the owner answers them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from aiserver_tray.base.codec import to_json
from aiserver_tray.base.i18n import Text
from aiserver_tray.features.adopt.views import AdoptionView, AdoptList, SourceView
from aiserver_tray.protocol.message import Json

GB: Final = 1 << 30

KIT: Final = SourceView(
    name="n8n-n8n-1",
    kind="n8n",
    module="n8n",
    title="n8n",
    version="2.20.1",
    running=True,
    database="PostgreSQL 15",
    ports=(5678,),
    bytes=3 * GB // 2,
    containers=("n8n-n8n-1", "n8n-postgres-1"),
    problem=None,
    lost=(
        Text("/home/me/shared at /data/shared: workflows that use files there need them at /files"),
    ),
    version_here="2.41.6",
    address="http://localhost:18100",
    has_data=True,
    needed=5 * GB,
    free=68 * GB,
)
"""n8n of its starter kit."""
OLD: Final = replace(
    KIT,
    name="n8n-old",
    version="0.214.0",
    running=False,
    database="SQLite",
    ports=(),
    bytes=38_000_000,
    problem=Text("n8n 0.214.0 is too old: 2.41.6 can't read its data."),
)
SERVER: Final = replace(
    KIT,
    name="pg",
    kind="postgres",
    module="postgres",
    title="PostgreSQL",
    version="15.8",
    running=False,
    ports=(),
    containers=(),
    lost=(),
    has_data=False,
    version_here="17",
    address="",
)
COPIED: Final = AdoptionView(
    source="n8n-n8n-1",
    kind="n8n",
    module="n8n",
    title="n8n",
    version="2.20.1",
    version_here="2.41.6",
    ended_at=datetime.now(UTC) - timedelta(minutes=3),
    seconds=125.0,
    still=50.0,
    state="beside",
    proven=(
        Text("The source is unchanged: the copy has the same hash"),
        Text("42 workflows and 12 credentials, as many as there"),
        Text("n8n decrypts the credentials here"),
    ),
    waiting=31,
    notices=(Text("Past executions are not copied."),),
    address="http://localhost:5678",
    is_here=True,
    containers=("n8n-n8n-1", "n8n-postgres-1"),
)


def sent(*of: SourceView | AdoptionView, unended: Text | None = None) -> Json:
    """A list of these, as clients get it."""
    sources = tuple(one for one in of if isinstance(one, SourceView))
    copied = tuple(one for one in of if isinstance(one, AdoptionView))
    return dict(to_json(AdoptList(sources, copied, None, unended), "en", AdoptList))
