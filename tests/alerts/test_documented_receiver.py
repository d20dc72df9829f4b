"""The receiver in the how-to checks what the webhook signs."""

from __future__ import annotations

import http.server
import re
import threading
from pathlib import Path

import pytest

from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.webhook import Webhook
from tests.alerts.alert_samples import pending
from tests.alerts.http_double import client

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "receive-alerts.md"


@pytest.mark.parametrize(("secret", "fate"), [("s3cret", DeliveryResult.SENT), ("other", DeliveryResult.RETRY)])
def test_the_documented_receiver_checks_signatures(
    monkeypatch: pytest.MonkeyPatch, secret: str, fate: DeliveryResult
) -> None:
    monkeypatch.setenv("NEWS_HOOK_SECRET", "s3cret")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, type[http.server.BaseHTTPRequestHandler]] = {}
    exec(code, found)
    monkeypatch.setattr(found["Receiver"], "log_message", lambda *_: None)
    server = http.server.HTTPServer(("127.0.0.1", 0), found["Receiver"])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        hook = Webhook("hook", f"http://127.0.0.1:{server.server_port}/", ("old", secret), http=client())
        assert hook.send(pending()).result is fate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
