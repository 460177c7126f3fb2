"""Addresses: one Triton, two kinds of it, and the replicas behind a name."""

import socket
from typing import Any

import pytest

from search.address import triton_address
from search.connecting import connect, replicas
from search.split import SplitServer
from search.triton import Triton
from visionseek.errors import Unavailable
from visionseek.settings import load_settings

HOSTS = {"encoder": ["10.0.0.2", "10.0.0.1"], "search": ["10.0.1.1"], "six": ["fd00::1"]}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(name: str, port: int, **_: Any) -> list[Any]:
        if name not in HOSTS:
            raise socket.gaierror(f"no such name: {name}")
        # Real resolvers repeat addresses by protocol.
        return [(None, None, 0, "", (host, port)) for host in HOSTS[name] * 2]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_one_triton_is_asked_for_everything() -> None:
    assert isinstance(connect("127.0.0.1:8001"), Triton)
    assert replicas("127.0.0.1:8001") == ["127.0.0.1:8001"]


def test_two_kinds_are_one_server() -> None:
    server = connect("dns:///encoder:8001+dns:///search:8001")
    assert isinstance(server, SplitServer)
    assert server.address == "dns:///encoder:8001 and dns:///search:8001"


def test_every_replica_is_reached_at_least_once() -> None:
    assert replicas("dns:///encoder:8001") == ["10.0.0.1:8001", "10.0.0.2:8001"]
    assert replicas("dns:///encoder:8001+dns:///search:8002") == [
        "10.0.0.1:8001+10.0.1.1:8002",
        "10.0.0.2:8001+10.0.1.1:8002",
    ]
    assert replicas("dns:///search:1+dns:///encoder:2") == ["10.0.1.1:1+10.0.0.1:2", "10.0.1.1:1+10.0.0.2:2"]
    assert replicas("dns:///six:1") == ["[fd00::1]:1"]


@pytest.mark.parametrize(
    "address", ["dns:///nobody:8001", "dns:///encoder:8001+dns:///nobody:1", "dns:///encoder"]
)
def test_a_name_without_a_replica_is_an_error_that_names_it(address: str) -> None:
    with pytest.raises(Unavailable, match="no replica"):
        replicas(address)


def test_the_settings_of_a_cluster_name_both() -> None:
    settings = load_settings(
        triton_host="dns:///encoder", triton_grpc_port=8001, triton_shards_host="dns:///search"
    )
    assert triton_address(settings) == "dns:///encoder:8001+dns:///search:8001"
    assert triton_address(settings, "127.0.0.1:1") == "127.0.0.1:1"
    other = load_settings(
        triton_host="a", triton_grpc_port=1, triton_shards_host="b", triton_shards_grpc_port=2
    )
    assert triton_address(other) == "a:1+b:2"
