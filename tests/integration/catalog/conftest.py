import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _as_postgres(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else list(command)


def _tool(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that lives as long as the module's tests."""
    initdb, pg_ctl = _tool("initdb"), _tool("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed; tests/integration/setup.sh does it")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    initialise = _as_postgres(
        initdb, "-D", data, "-U", "shop", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"
    )
    start = _as_postgres(pg_ctl, "-D", data, "-w", "-l", f"{data}/log", "-o", options, "start")
    stop = _as_postgres(pg_ctl, "-D", data, "-m", "immediate", "stop")
    try:
        subprocess.run(initialise, check=True, capture_output=True, timeout=60, cwd="/")
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/")
        yield f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(stop, check=False, capture_output=True, timeout=60, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)
