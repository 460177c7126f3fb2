"""A database engine that behaves the same on SQLite and PostgreSQL, with its tables up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from visionseek.errors import ArtifactError, SettingsError, Unavailable

LOCK_WAIT_S = 30
MIGRATION_LOCK = (
    0x76697369  # any number, the same in every process; PostgreSQL's advisory locks are named by number
)


def open_engine(url: str) -> Engine:
    """Connect to `url` and bring its tables up to date.

    Raises:
        SettingsError: not a database URL, or its driver is not installed.
        Unavailable: the server does not answer; later statements raise it too, such as when the disk is full.
        ArtifactError: the file is no SQLite database, or of a newer VisionSeek.
    """
    address = _with_driver(url)
    engine = _create(address)
    shown = address.render_as_string(hide_password=True)
    try:
        _migrate(engine, shown)
    except DBAPIError as error:
        engine.dispose()
        raise _translated(error, shown, sqlite=address.get_backend_name() == "sqlite") from error
    event.listen(engine, "handle_error", _refused_by(shown))
    return engine


def _with_driver(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise SettingsError(
            f"{url!r} is no database URL", mend="sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from error
    if address.drivername in {"postgres", "postgresql"}:
        return address.set(drivername="postgresql+psycopg")
    return address


def _create(address: URL) -> Engine:
    if address.get_backend_name() == "sqlite":
        if address.database and address.database != ":memory:":
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(address, connect_args={"timeout": LOCK_WAIT_S})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise SettingsError(
            f"no driver for {address.drivername}: {error}",
            where="database_url",
            mend="pip install 'visionseek[postgres]'; SQLite needs nothing",
        ) from error


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """WAL lets the API read while an import writes; FULL keeps what was acknowledged over a power cut."""
    del record
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "cache_size=-64000",
        "temp_store=MEMORY",
        "wal_autocheckpoint=10000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: taking it after a read fails when another writer came between."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine, shown: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    with engine.connect() as connection:
        if _version(connection) == script.get_current_head():
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        version = _version(connection)
        known = {revision.revision for revision in script.walk_revisions()}
        if version is not None and version not in known:
            raise ArtifactError(
                f"the catalog is of a newer VisionSeek (migration {version})",
                where=shown,
                mend="install that version, or import the feeds into a fresh database",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _translated(error: DBAPIError, shown: str, *, sqlite: bool) -> Exception:
    reason = str(error.orig).strip().splitlines()[0]
    if sqlite and not isinstance(error, OperationalError):
        return ArtifactError(
            f"not a catalog database: {reason}", where=shown, mend="move the file away and import again"
        )
    mend = (
        "check the path and its permissions" if sqlite else "check that the server runs and takes this user"
    )
    return Unavailable(f"the catalog database does not open: {reason}", where=shown, mend=mend)


def _refused_by(shown: str) -> Callable[[ExceptionContext], None]:
    """What turns an OperationalError of any later statement into one of ours."""

    def refuse(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if isinstance(error, OperationalError) and not context.is_pre_ping:
            reason = str(error.orig).strip().splitlines()[0]
            raise Unavailable(
                f"the catalog database refused: {reason}",
                where=shown,
                mend="free its disk, or start its server, then try again; what was committed is kept",
            ) from error

    return refuse
