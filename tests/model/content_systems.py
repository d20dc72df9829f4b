"""Addresses as forty content systems make them, and the variants under which readers come to one article."""

from __future__ import annotations

import hashlib
import random
import string
import uuid
from urllib.parse import quote, urlsplit

from newsflow.model.parameters import RULES, Rule

SYSTEMS = (
    # numbers
    "/?p={n}", "/index.php?id={n}", "/node/{n}", "/news/{n}.html", "/article{n}.html", "/{y}/{m}/{n}", "/content/{n}/",
    "/modules.php?name=News&file=article&sid={n}", "/index.php?mod=article&cid={n}", "/news.asp?nl={n}", "/read.php?{n}",
    "/default.aspx?tabid=55&ref={n}", "/print.php?print={n}", "/page?mc_id={n}", "/watch?feature={n}", "/?r={n}",
    "/view.jsp?session={n}", "/story.cfm?source={n}&view=full", "/index.php?option=com_content&view=article&id={n}:{slug}",
    "/cgi-bin/news.pl?y={y}&m={m}&sk={n}", "/showstory?oc=1{n}", "/home.php?module=news&share={n}", "/item?icode={n}&type=a",
    # words
    "/{y}/{m}/{slug}", "/world/{slug}", "/{slug}.html", "/?{slug}", "/?name={slug}", "/reader?ref={slug}", "/#!/world/{slug}",
    "/index.php/{slug}", "/{arabic}/{n}", "/view?source={slug}", "/pages/{slug}?page={digit}",
    # hashes
    "/a/{hash}", "/story?h={hash}", "/news/{uuid}", "/index.cfm?objectid={uuid}", "/read?key={short}", "/s/{short}-{slug}",
)  # fmt: skip
"""One for each system. Neighbours differ in as little as they do in real ones."""

_WORDS = (
    "harbour",
    "wall",
    "council",
    "vote",
    "bridge",
    "storm",
    "fire",
    "court",
    "strike",
    "school",
    "river",
    "market",
)


def address(system: int, number: int) -> str:
    """The address of an article: the `number`th of a system."""
    digest = hashlib.blake2b(f"{system}/{number}".encode(), digest_size=16).digest()
    words = [_WORDS[number // len(_WORDS) ** place % len(_WORDS)] for place in range(4)]
    slug = "-".join(words) + (f"-{number}" if number >= len(_WORDS) ** 4 else "")
    alphabet = string.ascii_letters + string.digits
    value = int.from_bytes(digest[:8], "big")
    made = SYSTEMS[system].format(
        n=1000 + number,
        digit=1 + number % 9,
        y=2000 + number % 25,
        m=f"{1 + number % 12:02}",
        slug=slug,
        arabic=quote("أخبار الميناء".replace(" ", "-")),
        hash=digest[:6].hex(),
        uuid=uuid.UUID(bytes=digest),
        short="".join(alphabet[value // 62**place % 62] for place in range(9)),
    )
    return f"https://www.system-{system}.example{made}"


def tracker_values(rule: Rule) -> list[str]:
    """Values that a tracker of this shape has."""
    return {
        "any": ["Iw3R0qZ_9-x", "1201", "rss"],
        "place": ["rss", "twitter", "hp_lead_pos1", "rss_markets_main", "newsletter-daily", "www.tarsen.example"],
        "code": ["rss_bn", "edit_th_20310506", "CAD-00-10aag7e"],
        "flag": ["1", "true", "0"],
        "view": ["amp", "print", "mobile"],
        "session": ["0a1b2c3d4e5f60718293a4b5c6d7e8f9", "k2j4h5g6f7d8s9a0q1w2e3r4t5"],
        "hex": ["249f4cb0", "7b1c9d02ae"],
        "friend": ["249f4cb0", "v2/3f2a9d10-7c4e-4b1a-9f00-1a2b3c4d5e6f"],
        "random": ["0.4821906"],
        "milliseconds": ["1935221400123"],
        "gift": ["o6MjJQpusU9ebnFuymVdsF8AKnrT4W5ZAvpxQ3rBbYc"],
        "dotted": ["a2700.7735675.0.0"],
        "digit": ["5"],
        "url": ["https://search.example/?q=harbour"],
    }[rule.shape]


def names_of(rule: Rule) -> list[str]:
    return [name.replace("*", "x") for name in rule.names.split()]


def tracked(url: str, draw: random.Random) -> str:
    """The same article, as some reader came to it."""
    parts = urlsplit(url)
    host = draw.choice(["", "www.", "m.", "amp.", "WWW."]) + parts.netloc.removeprefix("www.")
    path, query, fragment = parts.path, parts.query, parts.fragment
    route = fragment.startswith("!")
    if not route:
        path, fragment = _path(path, draw), draw.choice(["", "", "top", ":~:text=wall", "comments"])
    if path.endswith("//"):
        path = path[:-1]
    extra = "&".join(_tracker(draw) for _ in range(0 if route else draw.randrange(1, 4)))
    join = draw.choice(["&", "&", "&amp;", "?"]) if query else "?"
    if extra and join in ("&", "&amp;") and draw.random() < 0.5:
        query = extra + join + query
    elif extra:
        query = query + (join if query else "") + extra
    text = f"{draw.choice(['http', 'https'])}://{host}{path}" + (f"?{query}" if query else "")
    return text + (f"#{fragment}" if fragment else "")


def _path(path: str, draw: random.Random) -> str:
    head, _, tail = path.rstrip("/").rpartition("/")
    forms = [path, path + "/" if tail else path, path.replace("/", "//", 1)]
    if tail:
        forms += [f"{path.rstrip('/')}/amp", f"/amp{path}", f"{head}/amp/{tail}", f"{path};jsessionid=0A1B2C3D.node1"]
    return draw.choice(forms)


_TRACKERS = [(names_of(rule), tracker_values(rule)) for rule in RULES if not rule.hosts]


def _tracker(draw: random.Random) -> str:
    names, values = draw.choice(_TRACKERS)
    return f"{draw.choice(names)}={draw.choice(values)}"
