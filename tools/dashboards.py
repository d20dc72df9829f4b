"""Writes the dashboards of deploy/grafana: each panel is a title, queries and a unit.

The JSON is Grafana's own format of dashboards (schema 39, Grafana 11), as far as these panels need it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT, COLUMNS = 8, 7, 3


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are pairs of an expression and what names its series; `kind` is `stat` for one number."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`choices` are the labels that a viewer chooses by, each with a query that has them all."""

    title: str
    panels: Sequence[Panel]
    choices: Sequence[tuple[str, str]] = ()


def _quantiles(name: str, selector: str = "") -> tuple[tuple[str, str], ...]:
    rate = f"sum by (le) (rate({name}_bucket{selector}[5m]))"
    return tuple((f"histogram_quantile({share}, {rate})", f"p{share * 100:g}") for share in (0.5, 0.9, 0.99))


def _by(label: str, rate: str) -> tuple[tuple[str, str], ...]:
    return ((f"sum by ({label}) ({rate})", f"{{{{{label}}}}}"),)


DEAD = '{outcome="dead-lettered"}'
CHOSEN = '{source=~"$source"}'
CHOSEN_ARTICLES = 'newsflow_source_events_total{source=~"$source",outcome="added"}'
REFUSED = 'newsflow_sink_articles_total{result="refused"}'
DASHBOARDS = {
    "overview": Dashboard(
        "newsflow: overview",
        (
            Panel("Jobs that answer", "none", (('sum(up{job="newsflow"})', ""),), "stat"),
            Panel("Events a second", "cps", (("sum(rate(newsflow_events_total[5m]))", ""),), "stat"),
            Panel("Records behind", "none", (("sum(newsflow_lag_records)", ""),), "stat"),
            Panel("Outcomes", "cps", _by("outcome", "rate(newsflow_events_total[5m])")),
            Panel("Dead letters by reason", "cps", _by("reason", f"rate(newsflow_events_total{DEAD}[5m])")),
            Panel("Last dead letter", "s", (("time() - newsflow_dead_letter_timestamp_seconds", "{{reason}}"),)),
            Panel("Age in the feeds, since fetched", "s", _quantiles("newsflow_age_seconds", '{since="fetched"}')),
            Panel("Age in the feeds, since read", "s", _quantiles("newsflow_age_seconds", '{since="read"}')),
            Panel("Lag by group", "none", _by("group", "newsflow_lag_records")),
            Panel("Seconds of each stage a second", "s", _by("stage", "rate(newsflow_stage_seconds_sum[5m])")),
            Panel("Ledger writes", "s", _quantiles("newsflow_ledger_seconds", '{access="write"}')),
            Panel("Events in a batch", "none", _quantiles("newsflow_batch_events")),
            Panel("Transactions run again", "cps", (("sum(rate(newsflow_ledger_failures_total[5m]))", "again"),)),
            Panel("Words kept and dropped", "cps", _by("what", "rate(newsflow_words_total[5m])")),
            Panel("Silence of sources", "s", (("time() - newsflow_source_timestamp_seconds", "{{source}}"),)),
            Panel("Input that was lost or moved", "none", _by("what", "increase(newsflow_input_total[1h])")),
        ),
    ),
    "source": Dashboard(
        "newsflow: one source",
        (
            Panel("Events by outcome", "cps", _by("outcome", f"rate(newsflow_source_events_total{CHOSEN}[15m])")),
            Panel("Articles in the last day", "none", ((f"sum(increase({CHOSEN_ARTICLES}[1d]))", "articles"),)),
            Panel("Silent for", "s", ((f"time() - newsflow_source_timestamp_seconds{CHOSEN}", "{{source}}"),)),
            Panel("Not as usual in", "none", ((f"newsflow_source_finding{CHOSEN}", "{{kind}}"),)),
            Panel("Of all sources, not as usual", "none", (("newsflow_sources_ailing", "{{kind}}"),)),
        ),
        (("source", "newsflow_source_events_total"),),
    ),
    "delivery": Dashboard(
        "newsflow: delivery",
        (
            Panel("Articles taken", "cps", _by("sink", 'rate(newsflow_sink_articles_total{result="taken"}[5m])')),
            Panel("Articles refused", "none", _by("sink", f"increase({REFUSED}[1h])")),
            Panel("Batches not taken just then", "cps", _by("sink", "rate(newsflow_sink_failures_total[5m])")),
            Panel("Alerts that wait", "none", _by("destination", "newsflow_outbox_alerts")),
            Panel(
                "The first of them waits for",
                "s",
                (("max by (destination) (newsflow_outbox_age_seconds)", "{{destination}}"),),
            ),
            Panel("Tries by answer", "cps", _by("result", "rate(newsflow_deliveries_total[5m])")),
            Panel("Records behind", "none", _by("group", 'newsflow_lag_records{group=~".+[.]deliver[.].+"}')),
        ),
    ),
}  # fmt: skip


def render(name: str) -> str:
    """A dashboard as Grafana reads it."""
    told = DASHBOARDS[name]
    made = {
        "uid": f"newsflow-{name}",
        "title": told.title,
        "tags": ["newsflow"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "utc",
        "templating": {"list": list(_variables(told))},
        "panels": [_panel(place, panel) for place, panel in enumerate(told.panels)],
    }
    return json.dumps(made, indent=1) + "\n"


def _variables(told: Dashboard) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    for label, query in told.choices:
        chosen = f"label_values({query}, {label})"
        yield {
            "name": label, "type": "query", "label": label, "datasource": SOURCE, "refresh": 2,
            "definition": chosen, "query": {"qryType": 1, "query": chosen, "refId": "names"},
        }  # fmt: skip


def _panel(place: int, panel: Panel) -> dict[str, Any]:
    return {
        "id": place + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": {"x": place % COLUMNS * WIDTH, "y": place // COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "options": {},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for number, (expr, legend) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(render(each), encoding="utf-8")
