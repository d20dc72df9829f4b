"""The receiver in the how-to runs as it is printed, and checks what the webhook signs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.webhook import Webhook
from newsflow.processes import free_port
from tests.alerts.alert_samples import pending
from tests.alerts.http_double import client
from tests.docs.shell import wait_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "receive-alerts.md"
BASE64 = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@contextmanager
def receiver(folder: Path, secret: str) -> Iterator[str]:
    """The page's program in a process of its own; its URL."""
    (code,) = re.findall(r"```python title=receiver.py\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "receiver.py").write_text(code, encoding="utf-8")
    port, log = free_port(), folder / "log"
    with log.open("wb") as output:
        environ = {"NEWS_HOOK_SECRET": secret, "PORT": str(port)}
        process = subprocess.Popen([sys.executable, "receiver.py"], cwd=folder, env=environ, stderr=output)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port), "the receiver listens")
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("here", "there", "fate"),
    [
        ("s3cret", "s3cret", DeliveryResult.SENT),
        ("old s3cret", "s3cret", DeliveryResult.SENT),
        (BASE64, BASE64, DeliveryResult.SENT),
        ("s3cret", f"{BASE64} s3cret", DeliveryResult.SENT),
        ("other", f"{BASE64} s3cret", DeliveryResult.RETRY),
        (BASE64.removeprefix("whsec_"), BASE64, DeliveryResult.RETRY),
        ("", "s3cret", DeliveryResult.RETRY),
    ],
)
def test_the_documented_receiver_checks_signatures(tmp_path: Path, here: str, there: str, fate: DeliveryResult) -> None:
    with receiver(tmp_path, there) as url:
        assert Webhook("hook", url, tuple(here.split()), http=client()).send(pending()).result is fate
