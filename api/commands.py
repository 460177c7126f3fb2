"""`visionseek serve`: the API in the foreground."""

from __future__ import annotations

import socket
from contextlib import closing

import click
import uvicorn

from api.app import create_app
from api.opening import open_parts
from visionseek.errors import SettingsError
from visionseek.output import console
from visionseek.settings import load_settings

# Longer than a query's deadline and an upload in progress; then connections are cut.
_GRACE_S = 10
# Load balancers keep idle connections for 60 s; whoever closes first must not be the server.
_KEEP_ALIVE_S = 75


@click.command()
@click.option("--host", "api_host", help="Address to listen on (setting api_host).")
@click.option(
    "--port", "api_port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one (api_port)."
)
def serve(api_host: str | None, api_port: int | None) -> None:
    """Run the API in the foreground until Ctrl-C; requests under way are finished first."""
    settings = load_settings(api_host=api_host, api_port=api_port)
    parts = open_parts(settings)  # before the server starts, so that its errors are the command's
    app = create_app(settings, lambda _: parts)
    with closing(_listen(settings.api_host, settings.api_port)) as listener:
        host, port = listener.getsockname()[:2]
        console.print(f"serving on http://{host}:{port}")
        config = uvicorn.Config(
            app,
            lifespan="on",
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
            log_level="info",
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            where="settings api_host, api_port",
            mend="stop what listens there (visionseek status), or take another port with --port",
        ) from error
