"""Tagging by topic: rules an editor can read, test and trust.

`load_rules(paths)` reads them, `RuleSet.match(article)` gives the topics an article is about, `RuleSet.tag(article)`
those and what it only mentions. Pure: nothing but rule files is read.
"""

from newsflow.tagging.load import read_rules, shipped_rules_path
from newsflow.tagging.ruleset import RuleSet, Tags, is_alert_grade, load_rules

__all__ = ["RuleSet", "Tags", "is_alert_grade", "load_rules", "read_rules", "shipped_rules_path"]
