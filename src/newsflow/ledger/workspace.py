"""The state that one batch works on: the texts within the window, what was loaded, what will be written.

Texts are found by key in an index in memory that follows the ledger's table of texts. The table is the truth; the
index only reads on from the last text it knows, so every process sees what all others decided, and nothing is lost
with it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import orjson

from newsflow.dedup.decide import KnownArticle, Lookalike, relate_headlines
from newsflow.dedup.differences import Wording, are_likely, judge, wording
from newsflow.dedup.fingerprint import NEWEST_PER_KEY, Hashes, KeyTexts, NearIndex, Span
from newsflow.dedup.identity import Conflict
from newsflow.dedup.similarity import Relation, Rule, Similarity, compare_all, compare_without, relate
from newsflow.ledger import tables
from newsflow.ledger.boilerplate import Boilerplate
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.findings import IDENTITY_CONFLICT, Finding, load_counted, save_findings
from newsflow.ledger.tables import DecidedEvent, Detail, TextPrint, Version, encode_detail, load_prints
from newsflow.model import Article, Event, Outcome, Rejected
from newsflow.model.codec import encode_article
from newsflow.model.event import event_id_of
from newsflow.model.languages import base_language

if TYPE_CHECKING:
    from newsflow.ledger.steps import Prepared

MAX_CANDIDATES = 64
"""Of the texts that share a key, so many that share the most are compared."""
MOST_SIDE_BY_SIDE = 16
"""Of those that may be duplicates, so many of the nearest are laid side by side; the others are related at most."""
TEXTS_KEPT = 2
"""Windows for which a text is kept after it was written: an event that is late by a window still meets all those of its
own days."""
_CACHED_PRINTS = 20_000
_CACHED_WORDINGS, _CACHED_CHARS = 4_000, 16_000_000
Place = tuple[str, int]
"""Article id and version."""


class _LanguageIndex:
    """The index of one language, and how far it has read."""

    def __init__(self) -> None:
        self.index = NearIndex()
        self.last = 0
        self._marks: list[tuple[int, int]] = []
        """(seen at, number) of the last text of each reading: what lies before can be forgotten by time."""

    def read_on(self, db: Database, language: str, last_known: int, since: int) -> None:
        if last_known < self.last:  # Another ledger stands at the same address now.
            self.__init__()  # type: ignore[misc]
        if last_known > self.last:
            rows = db.query(
                "SELECT text_no, keys, seen_at, event_at FROM text_print "
                "WHERE language = ? AND text_no > ? AND seen_at >= ? ORDER BY text_no",
                [language, self.last, since],
            )
            keys = [np.frombuffer(row[1], "<u4") for row in rows]
            self.index.add([row[0] for row in rows], keys, [row[3] for row in rows])
            self._marks.extend((row[2], row[0]) for row in rows[-1:])
            self.last = last_known
        while self._marks and self._marks[0][0] < since:
            self.index.oldest = self._marks.pop(0)[1] + 1


class TextWindow:
    """The texts of all languages. Not thread-safe."""

    def __init__(self) -> None:
        self._languages: dict[str, _LanguageIndex] = {}
        self._prints: OrderedDict[tuple[str, int], TextPrint] = OrderedDict()
        self._wordings: OrderedDict[Place, Wording] = OrderedDict()
        self._chars = 0

    def last_numbers(self, db: Database, languages: Iterable[str], since: datetime) -> dict[str, int]:
        """Read on in these languages, back to `since`; the number of each one's last text. To be called
        while the languages are locked."""
        wanted = sorted(languages)
        rows = db.query("SELECT language, last_text_no FROM language WHERE language {in_texts}", [db.list_of(wanted)])
        last = dict.fromkeys(wanted, 0) | {row[0]: row[1] for row in rows}
        for language, number in last.items():
            self._languages.setdefault(language, _LanguageIndex()).read_on(db, language, number, to_micros(since))
        return last

    def find(self, language: str, keys: Sequence[Hashes], spans: Sequence[Span]) -> list[KeyTexts]:
        """For each text, given by its keys and the span of event time in which it is compared, the texts that hold
        them."""
        return self._languages[language].index.find(keys, spans)

    def load(self, db: Database, language: str, numbers: Iterable[int]) -> dict[int, TextPrint]:
        """The texts with these numbers; those pruned are left out."""
        wanted = set(numbers)
        found = {number: self._prints[language, number] for number in wanted if (language, number) in self._prints}
        if missing := wanted - found.keys():
            loaded = load_prints(db, language, missing)
            found.update(loaded)
            self._remember(loaded.values())
        return found

    def _remember(self, prints: Iterable[TextPrint]) -> None:
        for each in prints:
            self._prints[each.language, each.text_no] = each
        while self._prints:
            language, number = next(iter(self._prints))
            # What the index has forgotten is asked for no more.
            if len(self._prints) <= _CACHED_PRINTS and number >= self._languages[language].index.oldest:
                return
            self._prints.popitem(last=False)

    def load_wordings(self, db: Database, places: Iterable[Place], language: str) -> dict[Place, Wording]:
        """The texts of article versions, to be laid beside others; those forgotten are left out."""
        wanted = set(places)
        found = {place: self._wordings[place] for place in wanted if place in self._wordings}
        if missing := wanted - found.keys():
            texts = tables.load_texts(db, missing)
            found |= {place: wording(body, language, title) for place, (title, body) in texts.items()}
        return found

    def keep(self, wordings: Mapping[Place, Wording]) -> None:
        """Remember the latest texts, once they are in the ledger for good: their copies come soon."""
        for place, each in wordings.items():
            if place not in self._wordings:
                self._chars += len(each.body)
                self._wordings[place] = each
        while self._chars > _CACHED_CHARS or len(self._wordings) > _CACHED_WORDINGS:
            self._chars -= len(self._wordings.popitem(last=False)[1].body)

    def forget(self) -> None:
        """Start again from the table, as after a transaction of which it is not known whether it was kept."""
        self._languages.clear()
        self._prints.clear()
        self._wordings.clear()
        self._chars = 0


def _likeliest(texts: Iterable[Sequence[int]]) -> list[int]:
    """The numbers that the most of these lists have, in the order of the numbers."""
    counts = Counter[int]()
    for numbers in texts:
        counts.update(numbers)
    if len(counts) > MAX_CANDIDATES:
        return sorted(sorted(counts, key=lambda number: (-counts[number], number))[:MAX_CANDIDATES])
    return sorted(counts)


class Workspace:
    """Reads through to the database, keeps changes to itself until `save`. Lives for one transaction."""

    def __init__(self, db: Database, texts: TextWindow, now: datetime, window: timedelta, rule: Rule) -> None:
        self.db, self.now, self.rule = db, now, rule
        self._texts, self._window = texts, window
        self.articles: dict[str, KnownArticle] = {}
        self.identities: dict[str, str] = {}
        self._asked: set[str] = set()
        """Names of which `identities` says whether they are known."""
        self._counted: dict[str, frozenset[str]] = {}
        self._conflicts: dict[tuple[str, str], Finding] = {}
        self.last_numbers: dict[str, int] = {}
        self.found: dict[str, KeyTexts] = {}
        """The texts in the ledger that share a key, by the event that has the text."""
        self.prints: dict[tuple[str, int], TextPrint] = {}
        self._current: dict[str, Article] = {}
        self._pending_keys: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        """Numbers of texts of this batch, by language and key."""
        self._boilerplate: dict[str, Boilerplate] = {}
        self.wordings: dict[Place, Wording] = {}
        """The texts of the versions of this batch."""
        self._mine: dict[str, Wording] = {}
        """Texts of this batch that were laid beside others, by event."""
        """Title and body of the versions of this batch."""
        self._changed: dict[str, KnownArticle] = {}
        self._new_identities: dict[str, str] = {}
        self._new_prints: list[TextPrint] = []
        self._versions: list[Version] = []
        self._events: list[DecidedEvent] = []
        self._dead: list[tuple[Event, Rejected]] = []

    def article(self, article_id: str) -> KnownArticle | None:
        """What is known of an article, changes of this batch included."""
        self.load_articles([article_id])
        return self.articles.get(article_id)

    def load_articles(self, ids: Iterable[str]) -> None:
        """Load what is known of these articles in one query, where it is not loaded yet."""
        self.articles.update(tables.load_articles(self.db, set(ids) - self.articles.keys()))

    def load_names(self, names: Iterable[str]) -> None:
        """Find the articles that have these names, in one query, where that is not known yet."""
        if wanted := [name for name in names if name not in self._asked]:
            self._asked.update(wanted)
            self.identities.update(tables.load_identities(self.db, sorted(set(wanted))))

    def resolve(self, names: Sequence[str]) -> KnownArticle | None:
        """The article that is known by the first of these identity names that is known."""
        self.load_names(names)
        known = (self.identities.get(name) for name in names)
        return next((self.article(article_id) for article_id in known if article_id), None)

    def counted(self, source: str) -> frozenset[str]:
        """The parameters that were found to tell articles of a source apart, though they look like a tracker's."""
        if source not in self._counted:
            self.load_counted([source])
        return self._counted[source]

    def load_counted(self, sources: Iterable[str]) -> None:
        self._counted.update(load_counted(self.db, sources))

    @property
    def conflicts(self) -> Iterable[Finding]:
        """What was found of sources that gave two articles one name."""
        return self._conflicts.values()

    def add_conflict(self, source: str, conflict: Conflict, at: datetime | None) -> None:
        """Keep what was found out about a source; its parameters count from now on."""
        self._counted[source] = self.counted(source) | conflict.parameters
        for what in conflict.reasons:
            found = self._conflicts.get((source, what))
            times = found.times + 1 if found else 1
            first = found or Finding(source, IDENTITY_CONFLICT, what, conflict.addresses, at or self.now)
            self._conflicts[source, what] = replace(first, times=times)

    def change(self, known: KnownArticle) -> None:
        self.articles[known.id] = self._changed[known.id] = known

    def name(self, names: Sequence[str], known: KnownArticle) -> None:
        """Let an article be known by these names too; a name that is given stays given."""
        self.load_names(names)
        for name in names:
            if name not in self.identities:
                self.identities[name] = self._new_identities[name] = known.id
                known.names += (name,)

    def add_text(self, known: KnownArticle, each: Prepared) -> None:
        """Make the article's text findable, and give it the next number of its language."""
        language = each.language
        number = self.last_numbers[language] = self.last_numbers[language] + 1
        known.language, known.text_no = language, number
        text = TextPrint(language, number, known.id, known.version, self.now, each.at or self.now, each.print)
        self.prints[language, number] = text
        self._new_prints.append(text)
        for key in each.print.keys.tolist():
            self._pending_keys[language][key].append(number)

    def lookalikes(self, each: Prepared, article_id: str) -> list[Lookalike]:
        """The articles within the window whose text may be like this one, and how alike they are, exactly."""
        language = each.language
        numbers = self._candidates(each)
        self._load_texts(language, numbers)
        texts = [text for number in numbers if (text := self.prints.get((language, number))) is not None]
        texts += self._originals_of(texts, each, numbers)
        known = [(text, self.article(text.article_id)) for text in texts]
        pairs = [(text, other) for text, other in known if other is not None and other.id != article_id]
        if not pairs:
            return []
        alike = self._without_boilerplate(each, pairs, compare_all(each.print, [text.print for text, _ in pairs]))
        judged = self._judge(each, pairs, alike)
        return [Lookalike(known, *found) for (_, known), found in zip(pairs, judged, strict=True)]

    def _without_boilerplate(
        self, each: Prepared, pairs: Sequence[tuple[TextPrint, KnownArticle]], alike: Sequence[Similarity]
    ) -> list[Similarity]:
        """How alike they are but for what many articles of their sources carry; that of its source is learnt on."""
        source, held = each.article.source, self._boilerplate_of(each.language)
        by_story = {known.story: text.print.shingles for text, known in pairs if known.source == source}
        held.learn(source, to_micros(each.at or self.now), each.print.shingles, list(by_story.values()))
        return [
            compare_without(each.print, text.print, held.of(*{source, known.source}), similarity)
            for (text, known), similarity in zip(pairs, alike, strict=True)
        ]

    def _boilerplate_of(self, language: str) -> Boilerplate:
        if language not in self._boilerplate:
            self._boilerplate[language] = Boilerplate(self.db, language)
        return self._boilerplate[language]

    def _judge(
        self, each: Prepared, pairs: Sequence[tuple[TextPrint, KnownArticle]], alike: Sequence[Similarity]
    ) -> Iterator[tuple[Similarity, Relation]]:
        """What the text is to each of these: of those that may be duplicates, by their texts, where they are held."""
        likely = {
            n: max(similarity.jaccard, similarity.containment)
            for n, ((text, _), similarity) in enumerate(zip(pairs, alike, strict=True))
            if are_likely(each.print, text.print, similarity, self.rule)
        }
        nearest = sorted(likely, key=lambda n: (-likely[n], n))[:MOST_SIDE_BY_SIDE]
        places = {n: (pairs[n][0].article_id, pairs[n][0].version) for n in nearest}
        held = {place: self.wordings[place] for place in places.values() if place in self.wordings}
        held |= self._texts.load_wordings(self.db, places.values() - held.keys(), each.language)
        mine = None
        if held:
            mine = self._mine[each.event.event_id] = wording(each.article.body, each.language, each.article.title)
        for n, ((text, known), similarity) in enumerate(zip(pairs, alike, strict=True)):
            if similarity.exact and not each.print.token_count:
                yield similarity, self._relate_headlines(each, text, known)
            elif mine is not None and n in places and places[n] in held:
                one_source = known.source == each.article.source
                sides = (each.print, mine), (text.print, held[places[n]])
                yield judge(*sides, similarity, one_source, self.rule, thorough=False)[:2]
            else:
                relation = relate(similarity, self.rule)
                yield similarity, min(relation, Relation.RELATED) if n in likely and n not in places else relation

    def _relate_headlines(self, each: Prepared, text: TextPrint, known: KnownArticle) -> Relation:
        same_source, apart = known.source == each.article.source, (each.at or self.now) - text.event_at
        return relate_headlines(each.article.title, same_source=same_source, apart=apart)

    def find_texts(self, language: str, compared: Sequence[Prepared]) -> set[str]:
        """Look for the look-alikes of texts in the ledger and load them; the ids of their articles."""
        found = self._texts.find(
            language, [each.print.keys for each in compared], [self._span(each) for each in compared]
        )
        self.found.update((each.event.event_id, texts) for each, texts in zip(compared, found, strict=True))
        numbers = {number for texts in found for number in _likeliest(texts.values())}
        self._load_texts(language, numbers)
        return {self.prints[language, number].article_id for number in numbers if (language, number) in self.prints}

    def _span(self, each: Prepared) -> Span:
        """Microseconds of event time in which a text is compared: what was first and what came late alike."""
        at = each.at or self.now
        return to_micros(at - self._window), to_micros(at + self._window)

    def _load_texts(self, language: str, numbers: Iterable[int]) -> None:
        texts = self._texts.load(self.db, language, [each for each in numbers if (language, each) not in self.prints])
        self.prints.update(((language, number), text) for number, text in texts.items())

    def _candidates(self, each: Prepared) -> list[int]:
        """Numbers of the likeliest look-alikes: the same whether they are in the ledger already or in this batch."""
        if each.event.event_id not in self.found:  # It looked like a repeat before the batch.
            self.find_texts(each.language, [each])
        texts, span = dict(self.found[each.event.event_id]), self._span(each)
        pending = self._pending_keys[each.language]
        for key in pending.keys() & each.print.keys.tolist():
            near = [number for number in pending[key] if self._is_within(each.language, number, span)]
            if near:
                texts[key] = [*texts.get(key, ()), *near[-NEWEST_PER_KEY:]][-NEWEST_PER_KEY:]
        return _likeliest(texts.values())

    def _is_within(self, language: str, number: int, span: Span) -> bool:
        text = self.prints.get((language, number))
        return text is not None and span[0] <= to_micros(text.event_at) <= span[1]

    def _originals_of(self, texts: list[TextPrint], each: Prepared, known: Collection[int]) -> list[TextPrint]:
        """The texts of the originals of copies: where many copies crowd a key, the original is found by them."""
        language, span, numbers = each.language, self._span(each), set[int]()
        for found in texts:
            copy = self.article(found.article_id)
            original = self.article(copy.duplicate_of) if copy is not None and copy.duplicate_of else None
            if original is not None and original.language == language and original.text_no not in known:
                numbers.add(original.text_no)
        self._load_texts(language, numbers)
        return [self.prints[language, number] for number in sorted(numbers) if self._is_within(language, number, span)]

    def current(self, known: KnownArticle) -> Article | None:
        """The last version of an article, with its topics where it was published; None when it has none."""
        if known.id not in self._current:
            article = tables.load_version(self.db, known.id, known.version)
            if article is not None:
                self._current[known.id] = article
        return self._current.get(known.id)

    def has_bytes_of(self, known: KnownArticle, event: Event) -> bool:
        """Whether an event has the very bytes that the article's last text was made of."""
        maker = tables.load_last_maker(self.db, known.id)
        if maker is None:
            return False
        return event_id_of(maker.topic, maker.partition, maker.offset, event.digest) == maker.event_id

    def feeds(self, article_id: str) -> tuple[str, ...]:
        """The feeds that any recorded version of the article was sent to."""
        rows = self.db.query("SELECT feeds FROM emission WHERE article_id = ? ORDER BY version", [article_id])
        return tuple(dict.fromkeys(feed for row in rows for feed in orjson.loads(row[0])))

    def story_size(self, known: KnownArticle) -> int:
        """The articles of its story that are not withdrawn, changes of this batch included."""
        if known.story == known.id and known.version == 1:
            return 1  # new, and like nothing there is
        changed = {each.id: each for each in self._changed.values() if each.story == known.story}
        living = sum(not each.withdrawn for each in changed.values())
        return living + tables.count_living(self.db, known.story, changed)

    def copies(self, original: KnownArticle) -> list[KnownArticle]:
        """The living copies of an original, the first one seen first."""
        for article_id, known in tables.load_copies(self.db, original.id).items():
            self.articles.setdefault(article_id, known)
        mine = [each for each in self.articles.values() if each.duplicate_of == original.id and not each.withdrawn]
        return sorted(mine, key=lambda each: (each.first_seen, each.text_no))

    def add_version(self, event: Event, article: Article, detail: Detail) -> None:
        """Keep an article version as decided."""
        self._current[article.id] = article
        text = self._mine.get(event.event_id)
        if text is None or text.body != article.body:  # the version of a copy that was promoted has its own
            text = wording(article.body, base_language(article.language), article.title)
        self.wordings[article.id, article.version] = text
        value, place = encode_article(article), (article.id, article.version, event.event_id)
        self._versions.append(Version(*place, self.now, value, encode_detail(detail)))

    def add_event(
        self,
        event: Event,
        outcome: Outcome,
        at: datetime | None = None,
        article_id: str | None = None,
        version: int | None = None,
    ) -> None:
        place = event.event_id, event.topic, event.partition, event.offset
        self._events.append(DecidedEvent(*place, outcome.value, None, article_id, version, self.now, at))

    def add_dead_letter(self, event: Event, rejected: Rejected) -> None:
        """Keep that an event was dead-lettered, and why."""
        self.add_event(event, Outcome.DEAD_LETTERED)
        self._events[-1] = replace(self._events[-1], reason=rejected.reason.value)
        self._dead.append((event, rejected))

    def save(self) -> None:
        """Write everything that changed."""
        tables.insert_events(self.db, self._events)
        tables.insert_dead_letters(self.db, self._dead, to_micros(self.now))
        tables.insert_identities(self.db, self._new_identities.items())
        save_findings(self.db, self._conflicts.values())
        tables.save_articles(self.db, self._changed.values())
        tables.insert_versions(self.db, self._versions)
        tables.insert_prints(self.db, self._new_prints)
        for held in self._boilerplate.values():
            held.save()
        languages = {text.language for text in self._new_prints}
        tables.save_last_numbers(self.db, {language: self.last_numbers[language] for language in languages})
