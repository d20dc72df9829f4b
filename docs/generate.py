"""Writes what follows from code and schemas, in docs/reference and beside it: `python docs/generate.py [--check]`.

With `--check` nothing is written; the exit code is 1 when a page is not what it would be.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import typer
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tools import dashboards

REFERENCE = Path(__file__).resolve().parent / "reference"
ROOT = REFERENCE.parents[1]
CONFIG_SCHEMA = ROOT / "src/newsflow/config/config.schema.json"
DEAD_LETTER_SCHEMA = ROOT / "schemas/dead-letter/v1.schema.json"
TABLE = re.compile(r"(?<=<!-- table: written by docs/generate.py -->\n\n).*?(?=\n\n)", re.DOTALL)
NOTE = "<!-- Written by docs/generate.py; change its sources, then run `make docs`. -->"


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    made = {
        "schemas.md": schemas_page(),
        "kafka-topics.md": topics_page(),
        "configuration.md": configuration_page(),
        "cli.md": cli_page(),
        "alert-destinations.md": destinations_page(),
        "metrics.md": metrics_page(),
        "api.md": api_page(),
        "asyncapi.md": asyncapi_page(),
    }
    whole = {name: f"{NOTE}\n\n" + "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}
    tables = {
        "stores.md": stores_table(),
        "outcomes.md": reasons_table(),
        "topic-rules.md": places_table(),
        "../../THIRD_PARTY_NOTICES.md": licences_table(),
    }
    whole["asyncapi.json"] = asyncapi_text()
    return whole | {name: _with_table(_read(REFERENCE / name), rows) for name, rows in tables.items()}


def metrics_page() -> Iterator[str]:
    """Every metric, from the table in which they are declared."""
    from newsflow.metrics import METRICS

    yield from (
        "# Metrics",
        "",
        "With `metrics.listen` a job answers Prometheus at that address ([how](../how-to/watch-with-prometheus.md)).",
        "Labels take closed sets of values; one beyond its set counts as `other`. No address and no id is a label.",
        "",
        "| metric | kind | labels | what it says |",
        "|---|---|---|---|",
    )
    for each in METRICS.values():
        labels = ", ".join(f"`{name}`" for name in each.labels) or "none"
        yield f"| `{each.name}` | {each.kind} | {labels} | {each.help} |"
    yield from ("", "## Labels", "", "| label | of | values |", "|---|---|---|")
    for each in METRICS.values():
        for name, values in each.labels.items():
            shown = values if isinstance(values, str) else ", ".join(f"`{value}`" for value in values if value)
            yield f"| `{name}` | `{each.name}` | {'numbers' if name == 'partition' else shown} |"
    yield from ("", "## Alarms", "", "Of `deploy/prometheus/newsflow.rules.yaml`.", "")
    yield from ("| alarm | severity | when | for | what to do |", "|---|---|---|---|---|")
    rules = yaml.safe_load(_read(ROOT / "deploy/prometheus/newsflow.rules.yaml"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        link = rule["annotations"]["runbook"].removeprefix("docs/how-to/")
        todo = f"[{link.partition('#')[2].replace('-', ' ')}](../how-to/{link})"
        when = rule["expr"].replace("|", "\\|")
        yield f"| `{rule['alert']}` | {rule['labels']['severity']} | `{when}` | {rule.get('for', 'at once')} | {todo} |"
    yield from (
        "",
        "## Dashboards",
        "",
        "Of `deploy/grafana/dashboards`.",
        "",
        "| dashboard | panel | queries |",
        "|---|---|---|",
    )
    for dashboard in dashboards.DASHBOARDS.values():
        for panel in dashboard.panels:
            queries = "<br>".join(f"`{expr}`" for expr, _ in panel.queries).replace("|", "\\|")
            yield f"| {dashboard.title.removeprefix('newsflow: ')} | {panel.title} | {queries} |"


def main() -> int:
    """Write what is generated, or check it."""
    check = "--check" in sys.argv[1:]
    # The schemas first: pages are made from them.
    stale = [_update(CONFIG_SCHEMA, config_schema_text(), check)]
    stale.append(_update(DEAD_LETTER_SCHEMA, dead_letter_schema_text(), check))
    stale += [
        _update(dashboards.FOLDER / f"{name}.json", dashboards.render(name), check) for name in dashboards.DASHBOARDS
    ]
    stale += [_update(REFERENCE / name, text, check) for name, text in pages().items()]
    return 1 if check and any(stale) else 0


def _update(path: Path, text: str, check: bool) -> bool:
    """Whether the file was not what it should be; written anew unless it is only checked."""
    stale = _read(path) != text
    if stale:
        print(f"{path} {'is not up to date; run `make docs`' if check else 'written'}", file=sys.stderr)
        if not check:
            path.write_text(text, encoding="utf-8")
    return stale


# Schemas


def schemas_page() -> Iterator[str]:
    """The members of every value on the wire."""
    from newsflow.model.schemas import SCHEMAS, load_schema

    yield "# Values"
    yield ""
    yield "What the values on Kafka and in files look like. Each is JSON in UTF-8 and follows a JSON Schema (2020-12)"
    yield "under [`schemas/`](../../schemas), with examples that are valid and examples that are not. Members beyond"
    yield "those named here are allowed in all of them. A reader must pass over members it does not know."
    for name in SCHEMAS:
        yield from _schema(load_schema(name))


def _schema(schema: Mapping[str, Any]) -> Iterator[str]:
    name = schema["$id"].split(":")[-2]
    yield f"\n## {schema['title']}\n"
    yield f"`{name}.v1` ([schema](../../schemas/{name}/v1.schema.json)). {schema['description']}\n"
    yield from _members(schema, schema["$defs"])
    if "anyOf" in schema:
        groups = [" and ".join(f"`{each}`" for each in option["required"]) for option in schema["anyOf"]]
        yield f"\nRequired besides: {' or '.join(groups)}."
    if "else" in schema:
        needed = " and ".join(f"`{each}`" for each in schema["else"]["else"]["required"])
        yield f"\nRequired unless `action` is `withdraw`: {needed}; `dataref` may stand for `content`."
    for definition, each in schema["$defs"].items():
        if "properties" in each:
            yield f"\n### {name}: {definition}\n"
            if "description" in each:
                yield f"{each['description']}\n"
            yield from _members(each, schema["$defs"])


def _members(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[str]:
    yield "| member | type | required | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(schema, definitions, "")


def _rows(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, member in schema["properties"].items():
        target = definitions.get(member.get("$ref", "").rpartition("/")[2], {})
        whole = {**target, **member}
        required = "yes" if name in schema.get("required", ()) else ""
        meaning = _cell(whole.get("description", ""))
        yield f"| `{prefix}{name}` | {_type(whole, definitions)} | {required} | {meaning} |"
        if "properties" in member:
            yield from _rows(member, definitions, f"{prefix}{name}.")


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    named = schema.get("$ref", "").rpartition("/")[2]
    if named and "properties" in definitions[named]:
        return str(named)
    types = schema.get("type", "any")
    text = " or ".join(types) if isinstance(types, list) else str(types)
    if "items" in schema:
        text += f" of {_type(schema['items'], definitions)}"
    return f"{text} ({schema['format']})" if "format" in schema else text


# Alert destinations


def destinations_page() -> Iterator[str]:
    """Every type of destination, from the docstring of its module."""
    from newsflow.alerts.senders.registry import MAKERS

    yield from _DESTINATIONS.splitlines()
    for name, make in MAKERS.items():
        yield f"\n## {name}\n"
        yield inspect.getdoc(sys.modules[make.__module__]) or ""


_DESTINATIONS = """\
# Alert destinations

Where alerts may go. `alerts.destinations.<name>` of the [configuration](configuration.md) has a `type`, a `url`, which
may be a reference, and mostly a `secret`, which must be one. [Receive alerts](../how-to/receive-alerts.md) shows the
whole way with a webhook.
"""


def api_page() -> Iterator[str]:
    """The paths of the API with their parameters."""
    from newsflow.web.api import ENDPOINTS, PREFIX, STREAM

    yield "# The API"
    yield ""
    yield "What `newsflow serve` answers ([how to](../how-to/look-and-subscribe.md)). `/openapi.json` has it with the"
    yield "schemas of all answers, as OpenAPI 3.1. Lists have `items`, and `next` where there is more: the `cursor` of"
    yield "the next page. Problems are RFC 9457: `title`, `status`, `detail`."
    for each in (*ENDPOINTS, STREAM):
        yield ""
        yield f"## `{PREFIX}{each.path}`"
        yield ""
        yield f"{each.summary}." + (" For readers who see everything." if each.everything else "")
        if each.parameters:
            yield ""
            yield "| parameter | in | accepted | meaning |"
            yield "|---|---|---|---|"
        for one in each.parameters:
            yield f"| `{one.name}` | {one.place} | {_cell(_accepted(one.schema))} | {_cell(one.description)} |"


def asyncapi_text() -> str:
    """The AsyncAPI document of all topics."""
    from newsflow.model.asyncapi import document

    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


def asyncapi_page() -> Iterator[str]:
    """The same to read: what newsflow sends and receives on each channel, and what messages carry."""
    from newsflow.model.asyncapi import document

    whole = document()
    yield "# AsyncAPI"
    yield ""
    yield f"[asyncapi.json](asyncapi.json) to read: version {whole['info']['version']} of {whole['info']['title']}, as"
    yield f"AsyncAPI {whole['asyncapi']}. {whole['info']['description']} `newsflow serve` has it at `/asyncapi.json`."
    for operation in whole["operations"].values():
        channel = whole["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
        yield f"\n## `{channel['address']}`\n"
        yield f"newsflow **{operation['action']}s**. {channel['description']}\n"
        for name, each in channel.get("parameters", {}).items():
            yield f"`{name}`: {each['description']}\n"
        names = (reference["$ref"].rpartition("/")[2] for reference in channel["messages"].values())
        links = (f"[{whole['components']['messages'][name]['title']}](#message-{name})" for name in names)
        yield f"Messages: {', '.join(links)}."
    for name, message in whole["components"]["messages"].items():
        yield from _message(name, message)


def _message(name: str, message: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n## Message: {name}\n"
    yield f"{message['title']} (`{message['name']}`, {message['contentType']}). {message['summary']}"
    if "payload" in message:
        yield f"The value: [its members](schemas.md#{message['title'].lower().replace(' ', '-')})."
    if "headers" in message:
        yield "\n| header | value |\n|---|---|"
        for header, schema in message["headers"]["properties"].items():
            yield f"| `{header}` | {_cell(schema.get('const', 'text'))} |"


def config_schema_text() -> str:
    """The schema of the configuration with the types of destinations that have a sender, and the stores there are."""
    from newsflow.alerts.senders.registry import MAKERS
    from newsflow.stores.registry import STORES

    types = json.dumps(list(MAKERS))
    urls = f"{', '.join(kind.url for kind in STORES)}, or a reference (env:NAME, file:PATH)."
    text = CONFIG_SCHEMA.read_text(encoding="utf-8")
    text = _replaced(r'(?s)"destinations": \{.*?"type": \{"enum": (\[.*?\])', types, text)
    return _replaced(
        r'(?s)"stores": \{.*?"minLength": 3,\s*"description": (".*?")', json.dumps(urls, ensure_ascii=False), text
    )


def _replaced(pattern: str, value: str, text: str) -> str:
    """The text with the pattern's group replaced where it is first found."""
    found = re.search(pattern, text)
    assert found, pattern
    return text[: found.start(1)] + value + text[found.end(1) :]


# Kafka topics


def topics_page() -> Iterator[str]:
    """The declared Kafka topics."""
    from newsflow.model.topics import ORIGINAL, declared_templates

    yield "# Kafka topics"
    yield ""
    yield "Declared in [`schemas/kafka-topics.yaml`](../../schemas/kafka-topics.yaml). `newsflow kafka apply` creates"
    yield "and alters them, `newsflow kafka apply --dry-run` shows what it would do. None comes to be by a first write."
    yield "For programs, [asyncapi.json](asyncapi.json) has all of it with the schemas of the values, as AsyncAPI 3.1"
    yield "([to read](asyncapi.md)); so has `/asyncapi.json` of `newsflow serve`."
    yield ""
    yield "| topic | partitions | clean-up | kept | key | value | written by |"
    yield "|---|---|---|---|---|---|---|"
    specs = declared_templates()
    for spec in specs:
        value = "the original bytes" if spec.schema == ORIGINAL else f"[{spec.schema}](schemas.md)"
        kept = _kept(int(spec.config["retention.ms"]))
        cells = (f"`{spec.name}`", spec.partitions, spec.config["cleanup.policy"], kept, spec.key, value, spec.producer)
        yield "| " + " | ".join(_cell(str(cell)) for cell in cells) + " |"
    for spec in specs:
        yield f"\n`{spec.name}`: {spec.description}"
    yield from _HEADERS.splitlines()


def _kept(retention_ms: int) -> str:
    return "for good" if retention_ms < 0 else f"{retention_ms // 86_400_000} days"


_HEADERS = """
## Headers

Everything that newsflow emits is a CloudEvent 1.0 in Kafka's binary mode; raw articles are read in binary mode, in
structured mode (`application/cloudevents+json`), and with no CloudEvents headers at all.

| header | value |
|---|---|
| `ce_specversion` | `1.0` |
| `ce_id` | derives from the raw event and the decision about it (of counts, `id` and revision): drop repeats by it |
| `ce_source` | `/newsflow/<job>` |
| `ce_type` | `newsflow.<schema>.v1` |
| `ce_time` | [event time](../explanation/time.md), RFC 3339 in UTC |
| `newsflow-decided-at` | when the ledger decided, RFC 3339 in UTC |
| `newsflow-record-time` | of articles: when their raw record was written, where that is known |
| `ce_subject` | article id; of an alert, its subscription; of a trend or a burst, its `id` |
| `ce_dataschema` | `urn:newsflow:schema:<schema>:v1` |
| `content-type` | `application/json` |
| `ce_dataref` | where the value did not fit, and is a [claim](schemas.md#claim): the blob, below `blobs.url` |
| `traceparent`, `tracestate` | as the raw event had them |

A record that holds the header `newsflow.batch.kept` stands for a compressed batch that was not expanded
(`limits.expand_bytes`), or for the rest of one: its value is the batch as it came.

A dead letter has the key, value and headers of the original, untouched, and besides:

| header | value |
|---|---|
| `newsflow.error.reason` | one of the closed list in [outcomes](outcomes.md) |
| `newsflow.error.message` | what was wrong, and what would be accepted |
| `newsflow.error.stage` | the stage that gave up |
| `newsflow.error.class` | name of the exception behind it; empty when there was none |
| `newsflow.error.attempt` | from 1; one more each time that a replayed event fails again |
| `newsflow.error.time` | when it was decided |
| `newsflow.error.job` | the job |
| `newsflow.error.id` | derives from the event and the reason: drop repeats by it |
| `newsflow.origin.topic`, `.partition`, `.offset` | where the original stands |
| `newsflow.origin.timestamp` | when it was first written, in milliseconds since 1970; a replay does not change it |
| `__connect.errors.*` | the same under the names of Kafka Connect, for tools that know those |
"""


# Tables within pages that are written by hand


def dead_letter_schema_text() -> str:
    """The schema of dead letters with the reasons there are."""
    from newsflow.model import Reason

    schema = json.loads(DEAD_LETTER_SCHEMA.read_text(encoding="utf-8"))
    schema["properties"]["reason"]["enum"] = list(Reason)
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def reasons_table() -> Iterator[str]:
    """Every reason of a dead letter, from the docstrings of `Reason`: when it applies, and what to do."""
    from newsflow.model import Reason

    [body] = (node.body for node in ast.parse(inspect.getsource(Reason)).body if isinstance(node, ast.ClassDef))
    yield "| reason | when | what to do |"
    yield "|---|---|---|"
    for member, text in itertools.pairwise(body):
        if isinstance(member, ast.Assign):
            when, _, remedy = ast.literal_eval(text.value).partition("\n\n")  # type: ignore[attr-defined]
            yield f"| `{ast.literal_eval(member.value)}` | {_cell(when)} | {_cell(remedy)} |"


def places_table() -> Iterator[str]:
    """What a hit counts by where it is."""
    from newsflow.tagging.scan import FACTORS, LEAD_TOKENS

    places = {"lead": f"lead, the first {LEAD_TOKENS} words of the body", "body": "further down"}
    yield "| place | counts |"
    yield "|---|---|"
    for part, factor in FACTORS.items():
        yield f"| {places.get(part, part)} | {factor:g} |"


def licences_table() -> Iterator[str]:
    """Every package that newsflow asks for directly, with its licence as the installed package declares it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    [extras] = [found[1].split(",") for each in optional["dev"] if (found := re.match(r"newsflow\[(.*)\]", each))]
    groups = {"": project["dependencies"], **{name: optional[name] for name in extras}}
    yield "| package | extra | licence |"
    yield "|---|---|---|"
    for extra, requirements in groups.items():
        for name in sorted((re.split(r"[\[<>=,; ]", each)[0] for each in requirements), key=str.lower):
            yield f"| {name} | {f'`{extra}`' if extra else ''} | {_licence(name)} |"


def _licence(package: str) -> str:
    found = metadata(package)
    kinds = [each.rpartition(" :: ")[2] for each in found.get_all("Classifier", []) if each.startswith("License ::")]
    # Some put the whole text into the field.
    short = found["License"] if "\n" not in (found["License"] or "\n") else ""
    return _cell(found["License-Expression"] or short or ", ".join(kinds))


def stores_table() -> Iterator[str]:
    """A row for each store of the registry."""
    from newsflow.stores.registry import STORES

    yield "| store | URL | extra | written from | what is there |"
    yield "|---|---|---|---|---|"
    for kind in STORES:
        extra = f"`{kind.extra}`" if kind.extra else ""
        writers = "several machines" if kind.several_writers else "one process"
        yield f"| {kind.title} | `{kind.url}` | {extra} | {writers} | {_cell(kind.holds)} |"


def _with_table(page: str, rows: Iterator[str]) -> str:
    """A page written by hand, with its one table written anew."""
    text = "\n".join(rows)
    return TABLE.sub(lambda _: text, page)


# Configuration


def configuration_page() -> Iterator[str]:
    """Every setting, its default and meaning."""
    from newsflow.config import load

    schema = load.config_schema()
    defaults = yaml.safe_load((Path(load.__file__).parent / "defaults.yaml").read_text(encoding="utf-8"))
    yield from _CONFIGURATION.splitlines()
    yield ""
    yield "| setting | accepted | default | meaning |"
    yield "|---|---|---|---|"
    yield from _settings(schema, defaults, "")


_CONFIGURATION = """\
# Configuration

Four layers, each over the one before: the defaults, a YAML file (`-c FILE`, or `NEWSFLOW_CONFIG`), variables of the
environment, flags of the command. Over the default address of the broker goes that of the one which `newsflow dev up`
started in the same folder. The whole is checked before anything starts; an error names the file, the line and the
setting, and what would be accepted, and all errors are told at once. `newsflow config check` does only that; `newsflow
config show --origin` prints what holds and where it came from.

A variable is named after its setting, two underscores between the steps: `NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS`. Secrets
are references, `env:NAME` or `file:PATH`, never the secret itself, and print masked. Relative paths in a file count
from that file's folder.

```yaml
kafka:
  bootstrap_servers: kafka-1.example:9093,kafka-2.example:9093
ledger:
  url: sqlite:///var/ledger.sqlite3
sources:
  paths: [sources/]
```
"""


def _settings(schema: Mapping[str, Any], defaults: Any, prefix: str) -> Iterator[str]:
    for name, member in schema["properties"].items():
        default = defaults.get(name) if isinstance(defaults, Mapping) else None
        inner = member.get("additionalProperties")
        if "properties" in member:
            yield from _settings(member, default, f"{prefix}{name}.")
        elif isinstance(inner, Mapping) and "properties" in inner:
            yield from _settings(inner, None, f"{prefix}{name}.<name>.")
        else:
            shown = "" if default is None else f"`{json.dumps(default)}`"
            accepted, meaning = _cell(_accepted(member)), _cell(member.get("description", ""))
            yield f"| `{prefix}{name}` | {accepted} | {shown} | {meaning} |"


def _accepted(member: Mapping[str, Any]) -> str:
    if "enum" in member:
        return ", ".join(f"`{each}`" for each in member["enum"])
    text = str(member.get("type", "any"))
    low, high = member.get("minimum"), member.get("maximum")
    if "exclusiveMinimum" in member:
        text += f" above {member['exclusiveMinimum']}"
    if low is not None:
        text += f" from {low}"
    return text + (f" to {high}" if high is not None else "")


# Commands


_ALIKE = """\
Every command takes `-o json`: one JSON object a line. What reads a file reads standard input as `-`; what looks at
articles reads pages, texts, JSON, JSON Lines, and the records that `newsflow tail -o json` prints:

```console
$ newsflow tail news.article.v1 -o json | newsflow routes test -
```

`--config`, `--bootstrap-servers` and `--ledger` mean the same everywhere. `newsflow --version` prints the version;
`newsflow --install-completion` lets your shell complete commands and options (bash, zsh, fish, PowerShell), and
`--show-completion` prints what that would install."""


def cli_page() -> Iterator[str]:
    """Every command with its arguments and options."""
    from newsflow.cli.app import app

    yield "# Commands"
    yield ""
    yield "Data goes to standard output, messages to standard error. Exit codes: 0 done, 1 failed, 2 called wrongly,"
    yield "3 wrong configuration."
    yield ""
    yield _ALIKE
    yield from _command(typer.main.get_command(app), "newsflow")


def _command(command: Any, name: str) -> Iterator[str]:
    subcommands = getattr(command, "commands", None)
    if subcommands is not None:
        for each in sorted(subcommands):
            yield from _command(subcommands[each], f"{name} {each}")
        return
    yield f"\n## {name}\n\n{command.help or ''}\n"
    parameters = [each for each in command.params if each.name != "help"]
    if parameters:
        yield "| parameter | meaning |"
        yield "|---|---|"
    for each in parameters:
        options = [*each.opts, *each.secondary_opts]
        shown = each.name.upper() if each.param_type_name == "argument" else ", ".join(options)
        yield f"| `{shown}` | {_cell(getattr(each, 'help', None) or '')} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
