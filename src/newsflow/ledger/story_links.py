"""Which story leads on to which, and the articles of a story as they stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from newsflow.dedup.decide import KnownArticle
from newsflow.ledger import story_rows, tables
from newsflow.ledger.database import Database
from newsflow.ledger.story_rows import LogRow
from newsflow.stories import Member, find_retold

_CHANGE = "changed = story.changed + 1"


def leads_to(db: Database, story_ids: Iterable[str]) -> dict[str, str]:
    """The ids that these go on under, for those that go on under another."""
    wanted = sorted(set(story_ids))
    sql = "SELECT id, leads_to FROM story WHERE leads_to IS NOT NULL AND id {in_texts}"
    return dict(db.query(sql, [db.list_of(wanted)])) if wanted else {}


def former_ids(db: Database, story_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each of these, the other ids of the story that it is or leads on to, sorted."""
    wanted = set(story_ids)
    roots = leads_to(db, wanted)
    last = {each: roots.get(each, each) for each in wanted}
    sql = "SELECT leads_to, id FROM story WHERE leads_to {in_texts}"
    of: defaultdict[str, set[str]] = defaultdict(set)
    for root, former in db.query(sql, [db.list_of(sorted(set(last.values())))]) if wanted else ():
        of[root].add(former)
    return {each: tuple(sorted((of[root] | {root}) - {each})) for each, root in last.items()}


def former_before(db: Database, row: LogRow) -> tuple[str, ...]:
    """The ids that led on to the story that an article version was told in, when it was settled."""
    found: set[str] = set()
    asked = {row.told}
    sql = "SELECT article_id FROM story_log WHERE kind = 'merge' AND log_no < ? AND story {in_texts}"
    while asked:
        asked = {former for (former,) in db.query(sql, [row.log_no, db.list_of(sorted(asked))])} - found
        found |= asked
    return tuple(sorted(found))


def lead_on(db: Database, pairs: Iterable[tuple[str, str]]) -> None:
    """Let the first id of each pair lead on to the second, and all that led to it."""
    for ended, kept in pairs:
        last = leads_to(db, [kept]).get(kept, kept)
        db.execute(
            "INSERT INTO story (id, merged_into, leads_to, last_at, changed, told, told_digest) "
            "VALUES (?, ?, ?, 0, 1, 0, ?) ON CONFLICT (id) DO UPDATE "
            f"SET merged_into = excluded.merged_into, leads_to = excluded.leads_to, {_CHANGE}",
            [ended, kept, last, b""],
        )
        db.execute("UPDATE story SET leads_to = ? WHERE leads_to = ?", [last, ended])


def stand_alone(db: Database, story_id: str) -> None:
    """Let an id, which may have led on to a story, be a story."""
    db.execute("UPDATE story SET merged_into = NULL, leads_to = NULL WHERE id = ?", [story_id])


def touch(db: Database, stories: Sequence[tuple[str, int]], only_told: Sequence[str]) -> None:
    """Note that stories of several reports changed, with the time of their latest report; and those of which it is not
    known how many they have, where they have a row."""
    latest = "last_at = CASE WHEN story.last_at > excluded.last_at THEN story.last_at ELSE excluded.last_at END"
    db.execute_many(
        "INSERT INTO story (id, last_at, changed, told, told_digest) VALUES (?, ?, 1, 0, ?) "
        f"ON CONFLICT (id) DO UPDATE SET {_CHANGE}, {latest}",
        [(story_id, at, b"") for story_id, at in stories],
    )
    if only_told:
        db.execute(f"UPDATE story SET {_CHANGE} WHERE id {{in_texts}}", [db.list_of(sorted(only_told))])


def stories_of(db: Database, article_ids: Iterable[str]) -> dict[str, str]:
    """The stories that settled articles are in now."""
    decided = story_rows.decided_of(db, article_ids)
    roots = leads_to(db, decided.values())
    return {article_id: roots.get(story_id, story_id) for article_id, story_id in decided.items()}


def story_of(db: Database, identifier: str) -> str:
    """The story that goes on under this id, which may be that of one of its articles."""
    found = stories_of(db, [identifier]).get(identifier, identifier)
    return leads_to(db, [found]).get(found, found)


def articles_of(db: Database, story_ids: Iterable[str]) -> dict[str, list[KnownArticle]]:
    """The articles of stories that lead on to no other, as they were settled, with the agency whose report each tells
    again; those forgotten are left out."""
    wanted = sorted(set(story_ids))
    rows = db.query("SELECT id, leads_to FROM story WHERE leads_to {in_texts}", [db.list_of(wanted)]) if wanted else []
    root = {story_id: story_id for story_id in wanted} | dict(rows)
    members = story_rows.members_of(db, root)
    known = tables.load_articles(db, {row.article_id for row in members})
    joined: dict[str, list[LogRow]] = {story_id: [] for story_id in wanted}
    for row in members:
        if row.article_id in known:
            joined[root[row.story]].append(row)
    for reports in joined.values():
        for article_id, agency in _retold(reports, known).items():
            known[article_id].retells = agency
    return {story_id: [known[row.article_id] for row in reports] for story_id, reports in joined.items()}


def retold_in(db: Database, story_ids: Iterable[str]) -> dict[str, str]:
    """The articles of these stories that tell again, without credit, what an agency told: the agency of each."""
    articles = (each for members in articles_of(db, story_ids).values() for each in members)
    return {each.id: each.retells for each in articles if each.retells}


def _retold(reports: Sequence[LogRow], known: Mapping[str, KnownArticle]) -> dict[str, str]:
    """By what was read of their first versions, so that it does not depend on who was first."""
    credited = [(row, agency) for row in reports if row.report and (agency := known[row.article_id].agency)]
    if not credited:
        return {}
    others = [_member(row) for row in reports if row.report and not known[row.article_id].agency]
    return find_retold(((_member(row), agency) for row, agency in credited), others)


def _member(row: LogRow) -> Member:
    return story_rows.unpack_member(row.article_id, row.event_at, row.language, row.report)[0]
