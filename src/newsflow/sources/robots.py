"""robots.txt, as RFC 9309 has it: the group that names us, the longest rule that matches, `Allow` where two are equal.
Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from newsflow.model.url import recode

MAX_BYTES = 512 * 1024
"""RFC 9309 wants at least 500 KiB read."""
MAX_DELAY_S = 300.0
_SAFE = "/!$&'()*+,;=:@~?"


@dataclass(frozen=True, slots=True)
class Robots:
    """What one site says to one crawler. `delay_s` is its `Crawl-delay`, 0 where there is none."""

    rules: tuple[tuple[str, bool], ...] = ()
    """Patterns, the longest first, and whether they allow."""
    delay_s: float = 0.0
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        parts = urlsplit(url)
        path = recode((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), _SAFE)
        return path == "/robots.txt" or next((allow for rule, allow in self.rules if _matches(rule, path)), True)


def _matches(rule: str, path: str) -> bool:
    """Whether a path begins as the rule says; `*` stands for anything, `$` at the end for the end. In linear time."""
    whole = rule.endswith("$")
    first, *pieces = rule.removesuffix("$").split("*")
    if not pieces:
        return path == first if whole else path.startswith(first)
    at = len(first) if path.startswith(first) else -1
    last = pieces.pop() if whole else ""
    for piece in pieces:
        if at < 0:
            return False
        found = path.find(piece, at)
        at = found + len(piece) if found >= 0 else -1
    return at >= 0 and path.endswith(last) and len(path) - len(last) >= at


def read_robots(text: str, agent: str) -> Robots:
    """What robots.txt says to the crawler of this product token (`newsflow`). Never raises: what is not a rule is
    passed over."""
    groups: dict[str, list[tuple[str, str]]] = {}
    sitemaps: list[str] = []
    named: list[str] = []
    begun = False
    for line in text.removeprefix("\ufeff")[:MAX_BYTES].splitlines():
        name, colon, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not colon:
            continue
        if name == "sitemap":
            sitemaps.append(value)
        elif name == "user-agent":
            named = [value.lower()] if begun else [*named, value.lower()]
            begun = False
            groups.setdefault(value.lower(), [])
        elif name in ("allow", "disallow", "crawl-delay"):
            begun = True
            for each in named:
                groups[each].append((name, value))
    rules = next((groups[each] for each in groups if each == agent.lower()), groups.get("*", []))
    found = {recode(value, _SAFE): allow for allow in (False, True) for name, value in rules
             if value and name == ("allow" if allow else "disallow")}  # fmt: skip
    delays = [
        float(value) for name, value in rules if name == "crawl-delay" and re.fullmatch(r"\d{1,6}(\.\d+)?", value)
    ]
    ordered = sorted(found.items(), key=lambda rule: (-len(rule[0]), not rule[1]))
    return Robots(tuple(ordered), min(max(delays, default=0.0), MAX_DELAY_S), tuple(sitemaps))
