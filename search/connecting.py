"""From an address to the model server that is meant, and to every replica behind it.

An address is `HOST:PORT` of one Triton, or `ENCODERS+SHARDS` of two kinds. A host written `dns:///NAME` is a
name with one address a replica (a headless Service in Kubernetes): gRPC spreads queries over them, while a
generation must be loaded on each.
"""

from __future__ import annotations

import socket
from itertools import cycle

from search.model_server import ModelServer
from search.split import SplitServer
from search.triton import Triton
from visionseek.errors import Unavailable

BOTH = "+"
_NAME = "dns:///"


def connect(address: str) -> ModelServer:
    """The server at this address; it connects when first used."""
    encoders, _, shards = address.partition(BOTH)
    return SplitServer(Triton(encoders), Triton(shards)) if shards else Triton(encoders)


def replicas(address: str) -> list[str]:
    """Addresses that together reach every replica at least once, in a stable order.

    Raises:
        Unavailable: a name has no address, such as that of a Service without a ready pod.
    """
    encoders, _, shards = address.partition(BOTH)
    if not shards:
        return _resolved(encoders)
    first, second = _resolved(encoders), _resolved(shards)
    pairs = zip(cycle(first), second) if len(first) < len(second) else zip(first, cycle(second))
    return [f"{one}{BOTH}{other}" for one, other in pairs]


def _resolved(address: str) -> list[str]:
    if not address.startswith(_NAME):
        return [address]
    name, _, port = address.removeprefix(_NAME).rpartition(":")
    try:
        found = socket.getaddrinfo(name, int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise Unavailable(f"no replica to be found: {error}", where=address) from error
    hosts = sorted({str(entry[4][0]) for entry in found})
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host in hosts]
