"""`newsflow demo`: the main job on the bundled sample, from nothing to what subscribers get. `make run` calls it."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.common import QuietOption, VerboseOption, set_up_logging, settings, words

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.kafka.settings import KafkaSettings

WORK_DIR = Path(".newsflow/demo")
BROKER_DIR = Path(".newsflow/kafka")
PORT = 19092
GROUP = "newsflow.demo"
SECRET_FILE = "webhook.secret"


def demo(
    files: Annotated[bool, typer.Option("--files", help="Without Kafka: read and write files.")] = False,
    directory: Annotated[Path, typer.Option("--directory", "-d", help="Where its ledger and results lie.")] = WORK_DIR,
    broker: Annotated[Path, typer.Option(help="Where the local broker lies.")] = BROKER_DIR,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of the local broker.")] = PORT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Run the main job on a sample of invented news and show what came of it. Each run starts from nothing."""
    set_up_logging(verbose, quiet)
    from newsflow.errors import MissingToolError

    _start_over(directory)
    if not files:
        try:
            _on_kafka(directory, broker, port)
            return
        except MissingToolError as error:
            words.print(f"\n{error}\nGoing on without Kafka: the same job, on files.\n", style="yellow", markup=False)
    _on_files(directory)


def _start_over(directory: Path) -> None:
    """Take away what an earlier demo left; nothing else may lie there."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def _on_kafka(directory: Path, broker_dir: Path, port: int) -> None:
    from newsflow.beam.jobs import load_job
    from newsflow.cli import launch
    from newsflow.cli.kafka import declared
    from newsflow.cli.report import Results, report
    from newsflow.dev.broker import LocalBroker
    from newsflow.kafka.admin import apply_topics
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.sinks.receiver import Receiver, read_received

    broker = LocalBroker(broker_dir, port)
    status = broker.up(say=_say)
    _say(f"Kafka answers at {status.bootstrap_servers}")
    secret = secrets.token_hex(16)
    (directory / SECRET_FILE).write_text(secret, encoding="utf-8")
    with Receiver(directory / "alerts-received.jsonl", (secret,)) as receiver:
        config = _config(directory, status.bootstrap_servers, receiver.url)
        kafka = KafkaSettings.of(config.kafka)
        _say(f"topics: {len(apply_topics(kafka, declared(config)))} created or altered, the rest are as declared")
        _skip_what_is_there(kafka, config.kafka.input_topic)
        _say(f"{_publish(kafka, config.kafka.input_topic)} raw events published to {config.kafka.input_topic}")
        _say("running: newsflow run ingest --until-caught-up\n")
        launch.locally(load_job("ingest"), config, None, follow=False, quiet=True, reporting=False)
    alerts = [entry["alert"] for entry in read_received(directory / "alerts-received.jsonl")]
    report(Results.of(directory, config, alerts, bootstrap_servers=status.bootstrap_servers))


def _on_files(directory: Path) -> None:
    import orjson

    from newsflow.beam.jobs import load_job
    from newsflow.cli import launch
    from newsflow.cli.report import Results, report
    from newsflow.sample import write_sample

    sample, output = directory / "sample.jsonl", directory / "output"
    _say(f"{write_sample(sample)} raw events in {sample}")
    config = _config(directory, ledger=output / "ledger.sqlite3")
    _say(f"running: newsflow run ingest --input {sample} --output {output}\n")
    launch.on_files(load_job("ingest"), config, sample, output, quiet=True, reporting=False)
    alerts = [orjson.loads(line) for line in (output / "alerts.jsonl").read_bytes().splitlines()]
    report(Results.of(directory, config, alerts, output=output))


def _config(
    directory: Path, bootstrap_servers: str | None = None, webhook: str | None = None, ledger: Path | None = None
) -> Config:
    from newsflow.sample import sources_path

    destination = {"type": "webhook", "url": webhook, "allow_private": True}
    destination["secret"] = f"file:{directory / SECRET_FILE}"
    flags = {
        "kafka__group": GROUP,
        "topics__applied": str(directory / "topics"),
        "ledger__url": f"sqlite:///{(ledger or directory / 'ledger.sqlite3').absolute()}",
        "sources__paths": [str(sources_path())],
        "alerts__destinations": {"webhook": destination} if webhook else None,
    }
    return settings(None, bootstrap_servers, **flags).config


def _publish(kafka: KafkaSettings, topic: str) -> int:
    from newsflow.kafka.producer import BatchWriter
    from newsflow.sample import sample_events

    writer = BatchWriter(kafka)
    for event in sample_events():
        writer.send(topic, event.key, event.value, event.headers)
    return writer.flush()


def _skip_what_is_there(kafka: KafkaSettings, topic: str) -> None:
    """Commit the ends of the topic: this demo reads its own events only."""
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata

    from newsflow.kafka.client import make_consumer

    consumer = make_consumer(kafka, group=GROUP)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.commit({tp: OffsetAndMetadata(end, "", -1) for tp, end in ends.items()})
    finally:
        consumer.close()


def _say(text: str) -> None:
    words.print(text, markup=False)
