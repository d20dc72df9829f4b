"""The commands, put together."""

from __future__ import annotations

import typer

from newsflow.cli import config, demo, dev, kafka, publish, run, tail
from newsflow.cli.common import Output, OutputOption, data, data_json

app = typer.Typer(
    name="newsflow",
    help="News articles from Kafka: normalised, deduplicated, tagged by topic, routed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("run", context_settings={"allow_extra_args": True})(run.run)
app.command("demo")(demo.demo)
app.command("publish")(publish.publish)
app.command("tail")(tail.tail)
app.add_typer(kafka.app, name="kafka")
app.add_typer(dev.app, name="dev")
app.add_typer(config.app, name="config")


@app.command()
def version(output: OutputOption = Output.TEXT) -> None:
    """Print the versions of newsflow and of what it runs on."""
    import platform
    from importlib.metadata import version as installed

    from newsflow import __version__

    parts = {"newsflow": __version__, "python": platform.python_version()}
    parts |= {name: installed(name) for name in ("apache-beam", "kafka-python", "trafilatura")}
    if output is Output.JSON:
        data_json(parts)
    else:
        for name, text in parts.items():
            data(f"{name} {text}")
