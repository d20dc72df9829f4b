"""Dead letters on their page: looked at by operators, sent again by who has leave, on a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import urllib3

from newsflow.config.load import load_config
from newsflow.config.settings import Config, ReaderSettings
from newsflow.errors import ConfigError
from newsflow.ingest.emit import dead_letter
from newsflow.ingest.letters import read_on
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.ledger.letters import Wanted, find_letters
from newsflow.model import Event, Reason, Rejected
from newsflow.model.letter import Letter
from newsflow.model.names import LETTER_STATE_TOPIC, dead_letter_topic
from newsflow.web.replaying import Replays
from tests.broker_helpers import RunningBroker
from tests.web.test_pages import page
from tests.web.world import ALL, SYRIA, Client, World, made_world, readers, serving

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
LEAVE = "token-with-leave-to-replay"
MESSAGE = "<b>nothing</b> to be read"


@dataclass
class Scene:
    base: str
    broker: RunningBroker
    config: Config
    topic: str

    def letters(self) -> list[Letter]:
        with closing(open_ledger(self.config.ledger.url)) as ledger:
            read_on(self.config, ledger)
            found = ledger.transact(lambda db: find_letters(db, Wanted()), writes=False)
        return [each for each in found if each.topic == dead_letter_topic(self.topic)]

    def forms(self, root: Any) -> list[str]:
        """Where letters of this test can be sent again from a page: others on this broker have some too."""
        own = {each.id for each in self.letters()}
        return [path for path in root.xpath("//form[@method='post']/@action") if path.split("/")[2] in own]

    def send(self, letter: str, token: str = LEAVE, why: str = "", **headers: str) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {token}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        with urllib3.PoolManager(retries=False) as pool:
            address = f"{self.base}/dead-letters/{letter}/replay"
            return pool.request("POST", address, fields={"why": why}, encode_multipart=False, headers=headers, redirect=False)  # fmt: skip


@pytest.fixture
def scene(broker: RunningBroker, tmp_path: Path) -> Iterator[Scene]:
    topic = broker.create_topic(broker.name("raw"))
    broker.create_topic(dead_letter_topic(topic))
    if LETTER_STATE_TOPIC not in _topics(broker):
        broker.create_topic(LETTER_STATE_TOPIC)
    with closing(BatchWriter(broker.settings)) as writer:
        for number in range(2):
            event = Event(topic, 0, number, 1_772_000_000_000, b"quay/1", b"not json %d" % number)
            letter = dead_letter(event, Rejected(Reason.MALFORMED_JSON, MESSAGE, "Normalise"), "test")
            writer.send(
                letter.topic, letter.key, letter.value, [(name, value or b"") for name, value in letter.headers]
            )
        writer.flush()
    with made_world(tmp_path) as world:
        config = _config(broker, world, topic)
        (tmp_path / "leave").write_text(LEAVE)
        may = ("may", ReaderSettings(f"file:{tmp_path / 'leave'}", replay=True))
        with serving(world, Replays(config), readers=(*readers(tmp_path), may)) as base:
            yield Scene(base, broker, config, topic)


def _topics(broker: RunningBroker) -> set[str]:
    from newsflow.kafka.admin import topic_names

    return set(topic_names(broker.settings))


def _config(broker: RunningBroker, world: World, topic: str) -> Config:
    config = load_config(None).config
    kafka = replace(config.kafka, bootstrap_servers=broker.bootstrap_servers, input_topic=topic, group=topic)
    return replace(config, kafka=kafka, ledger=replace(config.ledger, url=world.ledger_url))


def test_who_has_leave_sends_a_letter_again_and_it_is_said_who_and_why(scene: Scene) -> None:
    root = page(Client(scene.base, LEAVE), "/dead-letters")
    forms = scene.forms(root)
    assert len(forms) == 2, "the index was read on"
    assert MESSAGE in root.text_content()
    [letter] = [each for each in scene.letters() if forms[0].split("/")[2] == each.id]
    done = scene.send(letter.id, why="the page is whole now\n\u202e")
    assert (done.status, done.headers["location"]) == (303, "/dead-letters")
    [again] = scene.broker.read(scene.topic)
    assert again.value == b"not json %d" % letter.origin[2]
    [found] = [each for each in scene.letters() if each.id == letter.id]
    assert found.said is not None
    assert (found.state, found.said.by) == ("replayed", "may, by the page")
    assert found.said.why.startswith("the page is whole now")
    twice = scene.send(letter.id)
    assert (twice.status, b"replayed" in twice.data) == (409, True)
    assert len(scene.broker.read(scene.topic)) == 1
    root = page(Client(scene.base, LEAVE), "/dead-letters")
    assert len(scene.forms(root)) == 1
    assert "replayed by may, by the page" in " ".join(root.text_content().split())
    assert scene.send("f" * 32).status == 404


def test_a_letter_that_two_send_at_once_is_sent_once(scene: Scene) -> None:
    letter, answers = scene.letters()[0], list[int]()
    threads = [threading.Thread(target=lambda: answers.append(scene.send(letter.id).status)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers) == [303, 409, 409]
    assert len(scene.broker.read(scene.topic)) == 1


def test_nobody_else_sends_anything(scene: Scene) -> None:
    letter = scene.letters()[0].id
    for token in (ALL, SYRIA):
        assert scene.send(letter, token).status == 403
    assert scene.send(letter, "nobody-s-token-at-all").status == 401
    shown = Client(scene.base, ALL).get("/dead-letters", Accept="text/html").data.decode()
    assert "<form" not in shown
    # A page of somebody else's, in the browser of one who has leave.
    basic = urllib3.make_headers(basic_auth=f"x:{LEAVE}")["authorization"]
    for site in ("cross-site", "same-site", "none", ""):
        assert scene.send(letter, Authorization=basic, Sec_Fetch_Site=site).status == 403, site
    assert scene.send(letter, why="x" * 9_000).status == 400
    for path in ("/dead-letters", f"/dead-letters/{letter}", f"/v1/dead-letters/{letter}/replay", "/status"):
        answer = urllib3.request("POST", scene.base + path, headers={"Authorization": f"Bearer {LEAVE}"}, retries=False)
        assert answer.status == 405, path
    assert scene.broker.read(scene.topic) == []
    assert scene.send(letter, Authorization=basic, Sec_Fetch_Site="same-origin").status == 303


def test_leave_is_for_readers_of_everything(tmp_path: Path) -> None:
    file = tmp_path / "newsflow.yaml"
    file.write_text("serve: {readers: {a: {token: 'env:A', topics: [syria], replay: true}}}")
    with pytest.raises(ConfigError, match=r"serve\.readers\.a"):
        load_config(file)
    file.write_text(
        "serve: {readers: {a: {token: 'env:A', replay: true}, b: {token: 'env:B', topics: [syria], replay: false}}}"
    )
    assert [each.replay for _, each in load_config(file).config.serve.readers] == [True, False]
