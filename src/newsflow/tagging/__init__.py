"""Tagging by topic: rules an editor can read, test and trust.

`load_rules(paths)` reads them; `RuleSet.tag(article)` gives the topics an article is about and those it only mentions,
`RuleSet.match(article)` all of them with evidence. `RuleSource` follows rule files while a job runs. Nothing but rule
files is read.
"""

from newsflow.tagging.load import read_rules, shipped_rules_path
from newsflow.tagging.ruleset import RuleSet, RuleSource, Tags, is_alert_grade, load_rules

__all__ = [
    "RuleSet",
    "RuleSource",
    "Tags",
    "is_alert_grade",
    "load_rules",
    "read_rules",
    "shipped_rules_path",
]
