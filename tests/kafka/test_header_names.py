"""Records whose header names are no UTF-8, as clients in C and Go can write them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from newsflow.kafka.client import accept_any_header_name, make_producer
from tests.broker_helpers import RunningBroker, last_records

pytestmark = pytest.mark.e2e


class AnyBytes(str):
    """A name that is sent as these bytes, whatever it says."""

    raw: bytes

    def __new__(cls, raw: bytes) -> AnyBytes:
        made = super().__new__(cls, raw.decode("latin-1"))
        made.raw = raw
        return made

    def encode(self, *_: Any, **__: Any) -> bytes:
        return self.raw


@pytest.mark.parametrize("codec", [None, "lz4"])
def test_they_are_read_and_nothing_else_is_touched(broker: RunningBroker, codec: str | None) -> None:
    topic = broker.create_topic()
    with closing(make_producer(broker.settings, compression_type=codec)) as producer:
        producer.send(topic, key=b"\xff", value=b"\xfe\xfd", headers=[("na\u00efve", b"\xff")])
        bad = [("fine", b"1"), (AnyBytes(b"caf\xe9"), b"\xe9"), (AnyBytes(b"\xff\xfe\xfd"), b""), ("\u0643", b"2")]
        producer.send(topic, value=b"\x80 value", headers=bad)
        producer.send(topic, key=b"k", value=None, headers=[(AnyBytes(b"\xc3"), b"x")])
        producer.send(topic, value=b"after", headers=[])
        producer.flush()
    events = last_records(broker.settings, topic, 10)
    assert [event.value for event in events] == [b"\xfe\xfd", b"\x80 value", None, b"after"]
    assert [event.key for event in events] == [b"\xff", None, b"k", None]
    assert events[0].headers == (("naïve", b"\xff"),)
    assert events[1].headers == (("fine", b"1"), ("caf?", b"\xe9"), ("???", b""), ("ك", b"2"))
    assert events[2].headers == (("?", b"x"),)


def test_it_is_done_once() -> None:
    from kafka.record.default_records import DefaultRecordBatch

    accept_any_header_name()
    first = DefaultRecordBatch._read_msg
    accept_any_header_name()
    assert DefaultRecordBatch._read_msg is first
