"""A happening on Kafka: nine sources in four languages over two days, wire copies, a correction, a withdrawal, and a
neighbour story that turns out to be the same."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from newsflow.alerts.outbox import Outbox
from newsflow.cli.launch import locally
from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.ledger import open_ledger
from newsflow.model.names import ARTICLE_TOPIC, STORY_TOPIC, dead_letter_topic
from newsflow.model.schemas import violations
from newsflow.runners.job import load_job
from tests.broker_helpers import RunningBroker
from tests.e2e.test_the_same_again import _ends
from tests.mixed_events import START
from tests.rule_helpers import FEW_RULES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROUTES = """
version: 1
subscriptions:
  - {id: desk, alert: {to: [hook]}}
  - {id: three, alert: {to: [hook], sources: 3}}
"""
WIRE = (
    "An explosion tore through the Brenntal chemical plant in Kelstrand on Monday morning, killing four workers and "
    "injuring 27, mayor Ingrid Halbergstad said. Smoke drifted over the harbour and sirens were heard for an hour. "
    "Firefighters from three towns fought the flames until noon, and the plant's owner gave no cause."
)
REPORTS = {
    "wire": ("en", 0, "Explosion at Brenntal chemical plant in Kelstrand kills four", WIRE),
    "copier": ("en", 0.2, "Explosion at Brenntal chemical plant in Kelstrand kills four", WIRE),
    "reprint": ("en", 0.4, "Explosion at Brenntal chemical plant in Kelstrand kills four", WIRE),
    "bote": ("de", 1, "Vier Tote nach Explosion im Chemiewerk Brenntal in Kelstrand",
             ("Bei einer Explosion im Chemiewerk Brenntal in Kelstrand sind am Montag vier Arbeiter getötet und 27 verletzt "
             "worden, sagte Bürgermeisterin Ingrid Halbergstad. Rauch zog über den Hafen.")),
    "journal": ("fr", 2, "Quatre morts dans l'explosion d'une usine chimique à Kelstrand",
                ("Une explosion dans l'usine chimique Brenntal de Kelstrand a fait lundi quatre morts et 27 blessés, a "
                "annoncé la maire Ingrid Halbergstad.")),
    "vesti": ("ru", 5, "Взрыв на химическом заводе в Кельстранде: четверо погибших",
              ("В результате взрыва на химическом заводе Бренталь в Кельстранде в понедельник погибли четыре рабочих, 27 "
              "пострадали, сообщила мэр Ингрид Хальбергстад.")),
    "evening": ("en", 9, "Kelstrand mourns four workers killed in plant explosion",
                ("Residents of Kelstrand lit candles for the four workers who died when the Brenntal plant exploded. "
                "Halbergstad promised an inquiry.")),
    "harbour": ("en", 10, "Residents near the harbour told to keep windows shut",
                ("People living near the Kelstrand harbour were told to stay indoors and keep windows closed as toxic smoke "
                "spread, fire officials said. Schools will stay shut.")),
    "tribune": ("en", 26, "Toxic smoke from Kelstrand plant explosion keeps residents indoors",
                ("Toxic smoke from the explosion at the Brenntal chemical plant in Kelstrand, which killed four workers, kept "
                "residents near the harbour indoors, windows shut, fire officials and mayor Halbergstad said. Schools stay "
                "shut.")),
}  # fmt: skip
"""By source: language, hour, title, body."""


class Desk:
    """Publishes raw events, runs the jobs over them, and reads what came of it."""

    def __init__(self, broker: RunningBroker, config: Config) -> None:
        self._broker, self._config = broker, config
        self._begun = _ends(broker, [STORY_TOPIC, ARTICLE_TOPIC])
        self.stories: dict[str, dict[str, Any]] = {}

    def publish(self, *events: Mapping[str, Any]) -> None:
        config = self._config.kafka
        with closing(KafkaProducer(bootstrap_servers=config.bootstrap_servers)) as producer:
            for event in events:
                at = round((START + timedelta(hours=event["hour"])).timestamp() * 1_000)
                value = {name: each for name, each in event.items() if name != "hour"}
                place = sum(event["source"].encode()) % 3
                producer.send(config.input_topic, orjson.dumps(value), partition=place, timestamp_ms=at)
            producer.flush()
        locally(load_job("ingest"), self._config, follow=False, quiet=True)
        locally(load_job("deliver"), self._config, ["alerts"], follow=False, quiet=True)
        for record in self._broker.read(STORY_TOPIC, self._begun[STORY_TOPIC]):
            value = orjson.loads(record.value or b"")
            assert list(violations("story", value)) == []
            self.stories[value["id"]] = value

    def alerts(self) -> list[tuple[str, str, str]]:
        with closing(open_ledger(self._config.ledger.url)) as ledger:
            values = [orjson.loads(each.value) for each in Outbox(ledger).alerts()]
        return sorted((value["subscription"], value["step"], value["story"]) for value in values)

    def articles(self) -> dict[str, dict[str, Any]]:
        """The last version of each, by source."""
        records = self._broker.read(ARTICLE_TOPIC, self._begun[ARTICLE_TOPIC])
        values = [orjson.loads(record.value or b"") for record in records]
        return {value["source"]: value for value in values if value["source"] in REPORTS}


def report(source: str, **more: Any) -> dict[str, Any]:
    language, hour, title, body = REPORTS[source]
    value: dict[str, Any] = {
        "source": source, "url": f"https://{source}.example/1", "content_type": "text/plain", "content_is": "article",
        "language": language, "title": title, "content": body, "hour": hour,
    }  # fmt: skip
    value |= more
    return value | {"fetched_at": (START + timedelta(hours=value["hour"])).isoformat()}


def test_one_happening(topics_broker: RunningBroker, tmp_path: Path) -> None:
    raw = topics_broker.create_topic(topics_broker.name("raw"), partitions=3, configs={"retention.ms": "-1"})
    topics_broker.create_topic(dead_letter_topic(raw), partitions=3)
    (tmp_path / "routes.yaml").write_text(ROUTES, encoding="utf-8")
    flags: dict[str, Any] = {
        "routes.paths": [str(tmp_path / "routes.yaml")],
        "topics.paths": [str(path) for path in FEW_RULES],
        "ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3",
        "kafka.group": topics_broker.name("job"),
        "kafka.input_topic": raw,
        "kafka.bootstrap_servers": topics_broker.bootstrap_servers,
        "alerts.fresh_h": 0,
    }
    desk = Desk(topics_broker, load_config(environ={}, flags=flags).config)

    desk.publish(report("wire"))
    first = desk.articles()["wire"]["id"]
    assert desk.stories == {}
    desk.publish(*map(report, ("copier", "reprint", "bote", "journal")))
    story = desk.stories[first]
    assert (story["size"], story["independent_sources"], story["languages"]) == (5, 5, ["de", "en", "fr"])
    assert (story["representative"]["source"], story["representative"]["why"]) == ("wire", "first")
    assert {("desk", "first", first), ("three", "first", first)} <= set(desk.alerts())

    desk.publish(*map(report, ("vesti", "evening", "harbour")))
    articles = desk.articles()
    assert {articles[source]["story"] for source in ("bote", "journal", "vesti", "evening")} == {first}
    other = articles["harbour"]["story"]
    assert other == articles["harbour"]["id"]
    assert (desk.stories[first]["size"], desk.stories[first]["languages"]) == (7, ["de", "en", "fr", "ru"])
    told = desk.alerts()
    assert [each for each in told if each[0] == "three" and each[2] in (first, other)] == [("three", "first", first)]

    desk.publish(report("tribune"))
    assert desk.articles()["tribune"]["story"] == first
    assert desk.stories[other] == {"id": other, "merged_into": first}
    assert (desk.stories[first]["size"], len(desk.stories[first]["sources"])) == (9, 9)
    corrected = WIRE.replace("injuring 27", "injuring 31")
    desk.publish(report("wire", hour=27, content=corrected, title="Explosion in Kelstrand kills four, injures 31"))
    assert desk.stories[first]["title"] == "Explosion in Kelstrand kills four, injures 31"
    assert desk.articles()["wire"]["story"] == first
    gone = {"source": "journal", "url": "https://journal.example/1", "action": "withdraw", "hour": 28}
    desk.publish(gone | {"fetched_at": (START + timedelta(hours=28)).isoformat()})
    assert desk.stories[first]["size"] == 8
    assert "journal" not in desk.stories[first]["sources"]
    assert desk.articles()["journal"]["story_size"] == 8

    mine = [each for each in desk.alerts() if each[2] in (first, other)]
    at_once = [("desk", "first", each) for each in sorted([first, other])]  # they were two then
    assert mine == [*at_once, ("desk", "withdrawn", first), ("three", "first", first)]
