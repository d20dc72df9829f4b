"""Write data/date-names.json from CLDR: `python tools/date_names.py`.

It is a file because reading CLDR for all languages takes half a second, and because Babel's cache leaks names of one
locale into others (it merges aliases in place); here the cache is emptied before each locale.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from newsflow.normalise.characters import fold
from newsflow.normalise.dates.names import LANGUAGES

FILE = Path(__file__).parents[1] / "src" / "newsflow" / "normalise" / "data" / "date-names.json"
# Arabic has a table of its own; the others name their months by number.
LOCALES = [tag for tag in LANGUAGES if tag not in ("ar", "vi", "zh", "ja", "ko")] + ["sr_Latn"]


def generate() -> dict[str, dict[str, dict[str, int]]]:
    """Folded month (1 to 12) and weekday (0 Monday to 6) names by language."""
    from babel import Locale, localedata

    found: dict[str, dict[str, dict[str, int]]] = {}
    for tag in LOCALES:
        localedata._cache.clear()
        locale = Locale.parse(tag)
        entry = found.setdefault(tag.partition("_")[0], {"months": {}, "weekdays": {}})
        entry["months"].update(_collect(locale.months, ("wide", "abbreviated")))
        entry["weekdays"].update(_collect(locale.days, ("wide", "abbreviated", "short")))
    localedata._cache.clear()
    return found


def _collect(by_context: Any, widths: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    clashes = set()
    for context in ("format", "stand-alone"):
        for width in widths:
            for number, name in by_context.get(context, {}).get(width, {}).items():
                key = fold(name).rstrip(".")
                if key.isdigit() or len(key) < 2:
                    continue
                if found.setdefault(key, number) != number:
                    clashes.add(key)
    return {key: number for key, number in found.items() if key not in clashes}


if __name__ == "__main__":
    FILE.write_text(json.dumps(generate(), ensure_ascii=False, indent=0, sort_keys=True) + "\n", encoding="utf-8")
