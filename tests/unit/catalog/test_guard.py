"""Hostile addresses, each refused before a byte is sent; resolver and network are doubles that count."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.connections import PinnedBackend
from catalog.guard import check_url
from catalog.locations import Base
from catalog.web import Web
from visionseek.errors import FetchRefused, VisionSeekError

# By their text alone.
HOSTILE = [
    "http://127.0.0.1/",
    "http://localhost./x",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://0177.0x0.0.1/",
    "http://127.0.0.1./",
    "http://127.00.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.1.2.3/a.jpg",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[2606:4700::5efe:10.0.0.1]/",
    "http://[2606:4700::200:5efe:a9fe:a9fe]/",
    "http://[3fff::1]/",
    "http://[2001:db8::1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://240.0.0.1/",
    "http://192.168.1.1.:80/",
    "http://\u0661\u0662\u0667.0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://user@shop.example/",
    "http://shop.example@127.0.0.1/",
    "http://shop.example:80@169.254.169.254/",
    "http://127.0.0.1:80\\@shop.example/",
    "http://shop.example\\@127.0.0.1/",
    "http://shop.example%00.evil.example/",
    "http://%31%32%37.0.0.1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://shop.example:0/",
    "http://shop.example:99999/",
    "http:///etc/passwd",
    "http://",
    "ftp://shop.example/a.jpg",
    "gopher://shop.example/_GET",
    "file:///etc/passwd",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "http://shop.example/a\r\nHost: 127.0.0.1",
    "http://shop.example /",
    "http://[::1",
    "http://" + "a" * 5000 + ".example/",
]
# Names, with what they resolve to.
PRIVATE_NAMES = {
    "localhost": ["127.0.0.1"],
    "internal.example": ["10.0.0.5"],
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "mapped.example": ["::ffff:10.0.0.1"],
    "v6.example": ["fd00::1"],
    "scoped.example": ["fe80::1%2"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
}


class CountingNetwork(httpcore.AsyncNetworkBackend):
    """Stands where the real network would be; counts what reaches it."""

    def __init__(self) -> None:
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        raise httpcore.ConnectError("nobody there")


def fetch(url: str, resolve: Any, **options: Any) -> list[str]:
    """Addresses that a fetch connected to; raises what the fetch raises, with them attached."""
    network = CountingNetwork()

    async def run() -> None:
        web = Web(max_bytes=1000, resolve=resolve, **options)
        backend = web._connections.backend
        assert isinstance(backend, PinnedBackend)
        backend._real = network  # type: ignore[assignment]
        try:
            await web(url, None, None)
        finally:
            await web.close()

    try:
        asyncio.run(run())
    except VisionSeekError as error:
        error.__notes__ = network.connected
        raise
    return network.connected


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_refused_before_a_byte_is_sent(url: str) -> None:
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    with pytest.raises(FetchRefused) as caught:
        fetch(url, resolve)
    assert caught.value.__notes__ == []


@pytest.mark.parametrize("name", PRIVATE_NAMES)
def test_a_name_with_a_private_address_is_refused_before_a_byte_is_sent(name: str) -> None:
    with pytest.raises(FetchRefused, match="not a public address") as caught:
        fetch(f"https://{name}/a.jpg", lambda host, port: PRIVATE_NAMES[host])
    assert caught.value.__notes__ == []


def test_a_name_that_changes_between_two_look_ups_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.web.TRIES", 1)
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    with pytest.raises(VisionSeekError) as caught:
        fetch("http://rebind.example/a.jpg", lambda host, port: next(answers))
    assert caught.value.__notes__ == ["93.184.216.34"]
    assert next(answers) == ["127.0.0.1"]


def test_each_new_connection_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.web.BACKOFF_S", 0.0)
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    with pytest.raises(FetchRefused) as caught:
        fetch("http://rebind.example/a.jpg", lambda host, port: next(answers))
    assert caught.value.__notes__ == ["93.184.216.34"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://cdn.shop.example/a.jpg?x=1#top", "cdn.shop.example"),
        ("HTTP://Shop.Example:8080/a", "shop.example"),
        ("https://93.184.216.34/a.jpg", "93.184.216.34"),
        ("https://[2606:2800:220:1::1]/a.jpg", "2606:2800:220:1::1"),
        ("https://schmück.example/ring.jpg", "xn--schmck-6ya.example"),
        ("https://shop.example/my ring.jpg", "shop.example"),
        ("https://[::ffff:8.8.8.8]/", "::ffff:808:808"),
    ],
)
def test_public_addresses_are_taken(url: str, host: str) -> None:
    target = check_url(url)
    assert target.host == host or host.startswith("::ffff")
    assert "#" not in target.url


def test_a_private_address_is_taken_only_for_the_host_and_port_that_were_named() -> None:
    allowed = {("127.0.0.1", 8000)}
    assert check_url("http://127.0.0.1:8000/a", allow_private=allowed).port == 8000
    for url in ("http://127.0.0.1:8001/a", "http://127.0.0.2:8000/a", "http://[::1]:8000/a"):
        with pytest.raises(FetchRefused):
            check_url(url, allow_private=allowed)


def test_relative_links_of_a_feed_on_the_web_or_in_a_bucket() -> None:
    assert Base(url="https://shop.example/f/feed.csv").resolve("a.jpg") == "https://shop.example/f/a.jpg"
    assert Base(url="s3://shop/f/feed.csv").resolve("../a.jpg") == "s3://shop/a.jpg"
    assert Base(url="s3://shop/f/feed.csv").resolve("//[") == "//["
    assert Base(url="https://shop.example/feed.csv").resolve("//[") == "//["


@given(st.text(max_size=30))
def test_any_link_means_something_or_stays(link: str) -> None:
    for base in (Base(url="https://shop.example/f"), Base(url="s3://shop/f"), Base(folder=Path("shop"))):
        base.resolve(link)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_no_number_is_a_host(number: int, form: str) -> None:
    with pytest.raises(FetchRefused):
        check_url(f"http://{form.format(number)}/")


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_a_typed_refusal(text: str) -> None:
    for url in (text, f"http://{text}", f"https://{text}/a.jpg"):
        try:
            target = check_url(url)
        except FetchRefused:
            continue
        assert target.scheme in {"http", "https"}
        assert check_url(target.url) == target
