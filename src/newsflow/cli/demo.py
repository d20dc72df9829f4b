"""`newsflow demo`: both jobs on the bundled sample, from nothing to what subscribers get and people look at. `make run`
calls it, and `make demo`."""

from __future__ import annotations

import secrets
import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    DirectoryOption,
    Output,
    OutputOption,
    PortOption,
    QuietOption,
    VerboseOption,
    set_up_logging,
    settings,
)
from newsflow.cli.output import tell

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.kafka.settings import KafkaSettings

WORK_DIR = Path(".newsflow/demo")
BROKER_DIR = Path(".newsflow/kafka")
GROUP = "newsflow.demo"
SECRET_FILE, LEDGER, SETTINGS = "webhook.secret", "ledger.sqlite3", "newsflow.yaml"


def demo(
    files: Annotated[bool, typer.Option("--files", help="Without Kafka: read and write files.")] = False,
    directory: DirectoryOption = WORK_DIR,
    broker: Annotated[Path, typer.Option(help="Where the local broker is.")] = BROKER_DIR,
    port: PortOption = None,
    keep: Annotated[bool, typer.Option("--serve", help="Then serve the page, until SIGINT or SIGTERM.")] = False,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Run both jobs on invented news and show what came of it. Each run has a new ledger, and sees its own events.

    With --serve the page is kept up: at 127.0.0.1:8080, or where that is taken at another port.
    """
    set_up_logging(verbose, quiet)
    from newsflow.errors import MissingToolError, UsageError
    from newsflow.tools.programs import file_user

    if user := file_user(directory.resolve() / LEDGER):
        raise UsageError(f"the ledger of the last demo, which this one would remove, is in use: stop {user} first")
    # What an earlier demo left; nothing else may be there.
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        if files:
            _on_files(directory, output)
        else:
            _on_kafka(directory, broker, port, output)
    except MissingToolError as error:
        tell(f"\n{error}\nGoing on without Kafka: the same job, on files.\n", style="yellow")
        _on_files(directory, output)
    if keep:
        _serve(directory / SETTINGS)


def _serve(file: Path) -> None:
    """What `newsflow serve` does, at a port that is free."""
    from newsflow.cli.serve import LISTEN, serve
    from newsflow.processes import port_is_free

    host, _, port = LISTEN.partition(":")
    serve(LISTEN if port_is_free(int(port)) else f"{host}:0", file)


def _on_kafka(directory: Path, broker_dir: Path, port: int | None, form: Output) -> None:
    from newsflow.cli.dev import same
    from newsflow.cli.kafka import declared
    from newsflow.cli.report import report, results_of
    from newsflow.kafka.admin import apply_topics
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.tools.broker import broker_in
    from newsflow.tools.receiver import Receiver, read_received

    broker = broker_in(broker_dir, port)
    status, stop = broker.up(say=tell), f"newsflow dev down{same(broker_dir)}"
    tell(f"Kafka answers at {status.bootstrap_servers} and stays up; stop it with: {stop}")
    secret = secrets.token_hex(16)
    (directory / SECRET_FILE).write_text(secret, encoding="utf-8")
    with Receiver(directory / "alerts-received.jsonl", (secret,)) as receiver:
        file = _write_settings(directory, directory / LEDGER, status.bootstrap_servers, receiver.url)
        config = settings(file).config
        kafka = KafkaSettings.of(config.kafka)
        tell(f"topics: {len(apply_topics(kafka, declared(config)))} created or altered, the rest are as declared")
        _skip_what_is_there(config)
        _poll(file, config)
        tell(f"{_publish(kafka, config.kafka.input_topic)} raw events published to {config.kafka.input_topic}")
        _run_both(config)
    alerts = [entry["alert"] for entry in read_received(directory / "alerts-received.jsonl")]
    report(results_of(file, config, alerts, bootstrap_servers=status.bootstrap_servers, stop=stop), form=form)


def _run_both(config: Config) -> None:
    """What `newsflow run ingest` and then `newsflow run deliver` do; here one after the other."""
    from newsflow.cli import launch
    from newsflow.ingest.deliver import sink_names
    from newsflow.runners.job import load_job

    tell("running: newsflow run ingest --until-caught-up")
    launch.locally(load_job("ingest"), config, follow=False, quiet=True)
    tell("running: newsflow run deliver --until-caught-up")
    done = launch.locally(load_job("deliver"), config, sink_names(config), follow=False)
    taken = (f"{name} {total['outcome.delivered']}" for name, total in done.counts.items())
    tell(f"articles delivered: {', '.join(taken)}")


def _on_files(directory: Path, form: Output) -> None:
    import orjson

    from newsflow.cli import launch
    from newsflow.cli.report import report, results_of
    from newsflow.runners.job import load_job
    from newsflow.tools.sample.build import write_sample

    sample, output = directory / "sample.jsonl", directory / "output"
    file = _write_settings(directory, output / "ledger.sqlite3")
    config = settings(file).config
    tell(f"{write_sample(sample)} raw events in {sample}")
    polled = directory / "state.sqlite3"
    _poll(file, settings(file, ledger=f"sqlite:///{polled.absolute()}").config, sample)
    tell(f"running: newsflow run ingest --input {sample} --output {output}\n")
    launch.on_files(load_job("ingest"), config, sample, output, quiet=True)
    alerts = [orjson.loads(line) for line in (output / "alerts.jsonl").read_bytes().splitlines()]
    report(results_of(file, config, alerts, output=output), form=form)


def _write_settings(
    directory: Path, ledger: Path, bootstrap_servers: str | None = None, webhook: str | None = None
) -> Path:
    """Write the configuration that the demo runs with, so that every other command can be tried with it too."""
    import yaml

    from newsflow.tools.sample.build import routes_path, sources_path
    from newsflow.tools.sample.site import LIST

    here = directory.absolute()
    shutil.copyfile(routes_path(), directory / "routes.yaml")
    (directory / "feeds.yaml").write_text(LIST, encoding="utf-8")
    wanted = {
        "kafka": {"group": GROUP} | ({"bootstrap_servers": bootstrap_servers} if bootstrap_servers else {}),
        "ledger": {"url": f"sqlite:///{ledger.absolute()}"},
        "topics": {"applied": str(here / "topics")},
        "sources": {"paths": [str(sources_path())]},
        "routes": {"paths": ["routes.yaml"]},
        "poll": {"feeds": ["feeds.yaml"], "contact": "https://newsroom.example/bot"},
        # Of a ledger alone; where there is a store, that is read.
        "serve": {"copy": f"sqlite:///{here / 'serve.sqlite3'}"},
    }
    if webhook is not None:
        wanted["stores"] = {
            "articles": f"sqlite:///{here / 'articles.sqlite3'}", "lake": f"parquet:///{here / 'lake'}"
        }  # fmt: skip
        destination = {"type": "webhook", "url": webhook, "allow_private": True}
        destination["secret"] = f"file:{here / SECRET_FILE}"
        # The sample was fetched long before it is published, and is to raise alerts all the same.
        wanted["alerts"] = {"fresh_h": 0, "destinations": {"webhook": destination}}
    file = directory / SETTINGS
    file.write_text("# The settings of `newsflow demo`, written again by each.\n" + yaml.safe_dump(wanted), "utf-8")
    return file


def _poll(file: Path, config: Config, out: Path | None = None) -> None:
    """What `newsflow poll --once` does, with a site that is there meanwhile."""
    from dataclasses import replace

    from newsflow.cli.poll import poll_feeds
    from newsflow.tools.sample.site import FEED, ExampleSite

    tell(f"running: newsflow poll --once -c {file}, of {FEED}, a site on this machine")
    with ExampleSite() as site:
        poll = replace(config.poll, proxy=site.proxy, host_delay_s=0)
        done = poll_feeds(replace(config, poll=poll), [Path(path) for path in poll.feeds], out, once=True)
    tell(f"{done.published} raw events published from {done.requests} answers")


def _publish(kafka: KafkaSettings, topic: str) -> int:
    from newsflow.kafka.producer import BatchWriter
    from newsflow.tools.sample.build import sample_events

    with closing(BatchWriter(kafka)) as writer:
        for event in sample_events():
            writer.send(topic, event.key, event.value, event.headers)
        return writer.flush()


def _skip_what_is_there(config: Config) -> None:
    """Commit the ends of what the jobs read: this demo sees its own events only."""
    from newsflow.ingest.deliver import sink_names
    from newsflow.kafka.admin import commit_ends
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.runners.job import Job

    job = Job(config)
    for position in (job.raw, *(job.published(sink) for sink in sink_names(config))):
        commit_ends(KafkaSettings.of(config.kafka), position.topic, position.group)
