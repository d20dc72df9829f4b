"""No destination reaches inside, however its address is written."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.registry import make_senders
from newsflow.config.settings import Destination
from newsflow.errors import SinkError
from newsflow.http.client import (
    AddressRefusedError,
    HttpClient,
    UnreachableError,
    checked_addresses,
    checked_url,
    is_internal,
    parse_networks,
    system_resolver,
)
from tests.alerts.alert_samples import pending
from tests.alerts.http_double import answer, serving

OPEN = "93.184.216.34"
INTERNAL_URLS = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0/",
    "http://0.0.0.0:8080/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.254/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://100.64.0.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://１２７.0.0.1/",
    "http://١٢٧.٠.٠.١/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://127.0.0.1./",
    "http://0x7f.1/",
    "http://0177.1/",
    "http://00000177.0.0.1/",
    "http://127.00000.00000.00001/",
    "http://3232235777/",
    "http://0xc0a80101/",
    "http://0300.0250.1.1/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://127%2e0%2e0%2e1/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%00.example.org/",
    "http://127.0.0.1%09/",
    "http://127.0.0.1\t/",
    "http:// 127.0.0.1/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::1]:22/",
    "http://[::1%25lo]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fd00::1]:8080/",
    "http://[2001:db8::1]/",
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://example.org:80@127.0.0.1:80/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/",
    "http://127.0.0.1\\@example.org/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1/",
    "//127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
]


@pytest.fixture
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.mark.usefixtures("_no_connection")
@pytest.mark.parametrize("url", INTERNAL_URLS)
def test_internal_addresses_are_refused_in_every_spelling(url: str) -> None:
    with pytest.raises(SinkError, match=r"is an internal address|cannot be resolved|is not a|user name"):
        HttpClient().post(url, b"", {})


NAMES = {
    "inside.example": ["10.1.2.3"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": ["93.184.216.34", "127.0.0.1"],
    "six.example": ["2606:2800:220:1:248:1893:25c8:1946", "fd00::1"],
    "mapped.example": ["::ffff:192.168.0.1"],
    "scoped.example": ["fe80::1%eth0"],
}


@pytest.mark.usefixtures("_no_connection")
@pytest.mark.parametrize("host", NAMES)
def test_names_that_lead_inside_are_refused(host: str) -> None:
    client = HttpClient(resolve=lambda name, _: NAMES[name])
    with pytest.raises(AddressRefusedError, match=host) as caught:
        client.post(f"https://{host}/", b"", {})
    assert "allow_private" in str(caught.value)


@pytest.mark.parametrize("url", [each for each in INTERNAL_URLS if each.isascii() and each.startswith("http://")])
def test_no_redirect_leads_inside_however_it_is_written(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of the open internet redirects; nothing else is connected to."""
    real = socket.create_connection

    def connect(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        assert address[0] == OPEN, "a connection inside was tried"
        return real(("127.0.0.1", address[1]), *rest, **options)

    monkeypatch.setattr("socket.create_connection", connect)

    def resolve(host: str, port: int) -> list[str]:
        return [OPEN] if host == "hop.example" else system_resolver(host, port)

    with serving(answer(307, Location=url)) as script:
        start = script.url.replace("127.0.0.1", "hop.example")
        with pytest.raises(SinkError, match=r"is an internal address|cannot be resolved|is not a|user name"):
            HttpClient(resolve=resolve).post(start, b"secret", {})
    assert len(script.requests) == 1


def test_a_name_that_changes_its_mind_between_check_and_connection_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    connected: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return [OPEN] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(address)
        raise OSError("no connection in this test")

    monkeypatch.setattr("socket.create_connection", connect)
    with pytest.raises(UnreachableError):
        HttpClient(resolve=resolve).post("http://rebinding.example/", b"", {})
    assert connected == [(OPEN, 80)]
    assert asked == ["rebinding.example"]


@pytest.mark.parametrize("kind", ["webhook", "pagerduty", "alertmanager"])
@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
@pytest.mark.usefixtures("_no_connection")
def test_a_destination_opened_to_private_networks_does_not_reach_metadata(
    kind: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Destination(kind, f"http://{host}/", secret="s3cret", allow_private=True)
    (sender,) = make_senders([("hook", destination)])
    attempt = sender.send(pending())
    assert attempt.result is DeliveryResult.RETRY
    assert "is an internal address" in attempt.message


def test_open_addresses_pass() -> None:
    open_ones = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"]
    assert checked_addresses("x", 443, resolve=lambda *_: open_ones) == open_ones


def test_allowed_networks_pass_and_nothing_beside_them() -> None:
    allowed = parse_networks("127.0.0.1 fd00::/8")
    for address in ("127.0.0.1", "fd12::1", "::ffff:127.0.0.1"):
        assert checked_addresses("x", 80, allowed, lambda *_, a=address: [a]) == [address]
    with pytest.raises(AddressRefusedError):
        checked_addresses("x", 80, allowed, lambda *_: ["127.0.0.2"])


def test_a_name_without_an_address_says_so() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(SinkError, match=r"'x' cannot be resolved: .*not known"):
        checked_addresses("x", 80, (), fail)
    with pytest.raises(SinkError, match="no address"):
        checked_addresses("x", 80, (), lambda *_: [])


def test_a_url_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(SinkError) as caught:
        checked_url("https://user:hush@example.org/")
    assert "hush" not in str(caught.value)


@pytest.mark.property
@given(st.ip_addresses())
def test_nothing_the_library_calls_private_is_open(address: object) -> None:
    import ipaddress

    assert isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address)
    if not is_internal(address) and not (address.version == 6 and address in ipaddress.IPv6Network("64:ff9b::/96")):
        assert address.is_global
        assert not address.is_multicast
