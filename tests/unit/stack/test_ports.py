import os
import socket
from collections.abc import Iterator

import pytest

from stack.ports import choose_port
from visionseek.errors import StackError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_is_chosen_when_none_is_set() -> None:
    first = choose_port("127.0.0.1", 0, setting="api_port")
    assert 1 <= first <= 65535
    assert choose_port("127.0.0.1", first, setting="api_port") == first


def test_a_taken_port_names_the_process_and_the_variable(taken: int) -> None:
    with pytest.raises(StackError, match=rf"(?s)VISIONSEEK_API_PORT.*{taken}.*pid {os.getpid()}"):
        choose_port("127.0.0.1", taken, setting="api_port")


def test_one_port_for_two_servers_is_an_error() -> None:
    port = choose_port("127.0.0.1", 0, setting="api_port")
    with pytest.raises(StackError, match="set twice"):
        choose_port("127.0.0.1", port, setting="api_port", taken=[port])


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machine_s_is_an_error(host: str) -> None:
    with pytest.raises(StackError, match="cannot listen on"):
        choose_port(host, 0, setting="api_port")
