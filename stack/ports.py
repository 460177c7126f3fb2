"""Ports: free ones, and who sits on a taken one."""

from __future__ import annotations

import re
import socket
from collections.abc import Collection
from pathlib import Path

from stack.processes import command_line
from visionseek.errors import StackError


def choose_port(host: str, wanted: int, *, setting: str, taken: Collection[int] = ()) -> int:
    """`wanted` where it is set and free, else a free port.

    Args:
        host: address to listen on.
        wanted: 1 to 65535, or 0 for any.
        setting: name of the setting, for the message.
        taken: ports that were given away already and are not in use yet.

    Raises:
        StackError: `wanted` is taken, or `host` is no address of this machine.
    """
    variable = f"VISIONSEEK_{setting.upper()}"
    try:
        family, *_, address = socket.getaddrinfo(host, wanted, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            port: int = probe.getsockname()[1]
    except PermissionError as error:
        raise StackError(
            f"port {wanted} may not be used: {error.strerror}", where=variable, mend="take a port above 1023"
        ) from error
    except OSError as error:
        if wanted == 0 or isinstance(error, socket.gaierror):
            raise StackError(f"cannot listen on {host}: {error}", where=f"{variable} and its host") from error
        holder = port_holder(wanted) or "a process that cannot be seen from here"
        raise StackError(
            f"port {wanted} on {host} is taken by {holder}",
            where=variable,
            mend=f"stop that process, set {variable} to another port, or to 0 for a free one",
        ) from error

    if port not in taken:
        return port
    if wanted == 0:
        return choose_port(host, 0, setting=setting, taken=taken)
    raise StackError(
        f"port {wanted} is set twice", where=variable, mend="give every server a port of its own"
    )


def port_holder(port: int) -> str | None:
    """Command and pid of the process that listens on `port`, where this user may see it."""
    sockets = _listening(port)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            held = link.readlink().name in sockets
        except OSError:  # closed meanwhile, or another user's
            continue
        if held:
            pid = int(link.parts[2])
            return f"`{command_line(pid)[:120]}` (pid {pid})"
    return None


def _listening(port: int) -> set[str]:
    """Names of the listening sockets on `port`, as `/proc/PID/fd` shows them (proc_pid_net(5))."""
    names = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == "0A" and int(re.split(":", local)[-1], 16) == port:
                names.add(f"socket:[{inode}]")
    return names
