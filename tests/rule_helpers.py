"""A few of the shipped rules, for tests of jobs that are not about rules.

All of them make hundreds of topics, and take seconds of every start.
"""

from __future__ import annotations

from newsflow.tagging import shipped_rules_path

FEW_RULES = [
    shipped_rules_path() / "countries" / f"{name}.yaml"
    for name in ("syria", "russia", "lebanon", "iran", "ukraine", "turkey", "united-kingdom", "france")
]
AS_LIST = f"[{', '.join(map(str, FEW_RULES))}]"
"""For `topics.paths` in a file, or NEWSFLOW_TOPICS__PATHS."""
