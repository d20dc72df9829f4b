"""deploy/dataflow: the metadata of the flex template is what the options of `newsflow run` give, and what its launcher
hands on is a command of newsflow. No Dataflow was at hand."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
import typer

from deploy.dataflow.main import command
from newsflow.cli.app import app
from newsflow.runners.job import job_names
from tools import dataflow_template

LAUNCHED = ["--job=ingest", "--config=/etc/newsflow/newsflow.yaml", "--bootstrap_servers=a:9093,b:9093", "--project=p",
            "--region=europe-west1", "--temp_location=gs://b/t", "--template_location=gs://b/s"]  # fmt: skip


def test_the_metadata_is_what_would_be_generated() -> None:
    written = dataflow_template.METADATA.read_bytes()
    assert written == dataflow_template.rendered(), "PYTHONPATH=. python tools/dataflow_template.py writes it anew"
    # https://cloud.google.com/dataflow/docs/guides/templates/configuring-flex-templates
    for each in orjson.loads(written)["parameters"]:
        assert re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]*", each["name"])
        assert each.keys() >= {"name", "label", "helpText"}
    [jobs] = orjson.loads(written)["parameters"][0]["regexes"]
    assert [name for name in job_names() if re.fullmatch(jobs, name)] == ["ingest", "trends"]


def test_what_the_launcher_hands_over_is_a_command_of_newsflow() -> None:
    words = command(LAUNCHED)
    run: Any = typer.main.get_command(app)
    parsed = run.commands["run"].make_context("run", words[1:])
    given = {name: parsed.params[name] for name in dataflow_template.TAKEN}
    assert {name: value and str(value) for name, value in given.items()} == {
        "job": "ingest",
        "config": "/etc/newsflow/newsflow.yaml",
        "bootstrap_servers": "a:9093,b:9093",
        "ledger": None,
    }
    assert parsed.params["follow"]
    assert parsed.args == ["--runner=DataflowRunner", "--no_wait_until_finish", *LAUNCHED[3:]]
    assert command([*LAUNCHED, "--runner=DirectRunner"]).count("--runner=DataflowRunner") == 0
    with pytest.raises(SystemExit):
        command(LAUNCHED[1:])


def test_a_job_that_is_handed_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import apache_beam as beam

    from newsflow.config.load import load_config
    from newsflow.runners.job import Job
    from newsflow.runners.on_beam import run_on

    class Result:
        waited = 0

        def wait_until_finish(self) -> None:
            self.waited += 1

    result = Result()
    monkeypatch.setattr(beam.Pipeline, "run", lambda _: result)
    job = Job(load_config(environ={}).config)
    run_on(lambda *_: None, job, ["--runner=PrismRunner", "--no_wait_until_finish"])
    assert result.waited == 0
    run_on(lambda *_: None, job, ["--runner=PrismRunner"])
    assert result.waited == 1
