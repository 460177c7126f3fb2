import pytest

from loadtests.target import TargetRefused, check_target


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_this_machine_may_be_loaded(url: str, shown: str) -> None:
    assert check_target(url, own=False) == shown


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "http://10.0.0.1:8080",
        "http://0.0.0.0:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://2130706433/",
        "http://127.0.0.1@example.com/",
        "http://[2001:db8::1]/",
    ],
)
def test_another_machine_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        check_target(url, own=False)


def test_another_machine_is_allowed_to_its_owner() -> None:
    assert check_target("https://search.example.com", own=True) == "https://search.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://",
        "http://127.0.0.1:99999",
        "http://u:p@127.0.0.1",
        "http://[::1",
        "http://127.0.0.1/v1",
        "http://127.0.0.1/?a=b",
    ],
)
def test_what_is_no_address_is_refused_even_to_an_owner(url: str) -> None:
    with pytest.raises(TargetRefused):
        check_target(url, own=True)
