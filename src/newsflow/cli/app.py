"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from newsflow.cli import (
    alerts,
    archive,
    config,
    dedup,
    demo,
    dev,
    dlq,
    doctor,
    evaluate,
    feeds,
    forget,
    imports,
    jobs,
    kafka,
    ledger,
    normalise,
    poll,
    publish,
    replay,
    routes,
    run,
    schemas,
    serve,
    sources,
    status,
    store,
    stories,
    subscribers,
    tail,
    topics,
    trace,
    trends,
)
from newsflow.cli.options import Output, OutputOption
from newsflow.cli.output import data, emit

app = typer.Typer(
    name="newsflow",
    help="News articles from Kafka: normalised, deduplicated, tagged by topic, routed.",
    no_args_is_help=True,
    # Boxes and colours in the help would cost a fifth of its half second.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("run", context_settings={"allow_extra_args": True})(run.run)
app.add_typer(jobs.app, name="jobs")
app.command("deliver", context_settings={"allow_extra_args": True})(run.deliver)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("status")(status.status)
app.command("poll")(poll.poll)
app.command("import")(imports.import_files)
app.add_typer(feeds.app, name="feeds")
app.add_typer(archive.app, name="archive")
app.command("publish")(publish.publish)
app.command("tail")(tail.tail)
app.command("trace")(trace.trace)
app.command("replay")(replay.replay)
app.command("diff")(replay.diff)
app.command("forget")(forget.forget)
app.command("normalise")(normalise.normalise)
app.add_typer(normalise.app, name="sources")
normalise.app.command("health")(sources.health)
app.add_typer(dedup.app, name="dedup")
app.add_typer(stories.app, name="story")
app.add_typer(topics.app, name="topics")
app.command("trends")(trends.trends)
app.add_typer(routes.app, name="routes")
app.add_typer(alerts.app, name="alerts")
app.add_typer(dlq.app, name="dlq")
app.command("serve")(serve.serve)
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(store.app, name="store")
app.add_typer(ledger.app, name="ledger")
app.add_typer(kafka.app, name="kafka")
app.add_typer(dev.app, name="dev")
app.add_typer(evaluate.app, name="eval")
app.add_typer(config.app, name="config")
app.add_typer(schemas.app, name="schemas")


def _say_version(wanted: bool) -> None:
    if wanted:
        from newsflow import __version__

        data(f"newsflow {__version__}")
        raise typer.Exit


@app.callback()
def newsflow(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version, and exit.")
    ] = False,
) -> None:
    """News articles from Kafka: normalised, deduplicated, tagged by topic, routed."""


@app.command()
def version(output: OutputOption = Output.TEXT) -> None:
    """Print the versions of newsflow and of what it runs on."""
    import platform
    from importlib.metadata import version as installed

    from newsflow import __version__

    parts = {"newsflow": __version__, "python": platform.python_version()}
    parts |= {name: installed(name) for name in ("apache-beam", "kafka-python", "lxml")}
    emit(output, parts, "\n".join(f"{name} {text}" for name, text in parts.items()))
