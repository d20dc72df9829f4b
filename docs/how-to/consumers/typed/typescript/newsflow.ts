// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
/**
 * Somebody asked to be told of this. The id derives from subscription, story and step: the
 * same alert again has the same id.
 */
export interface Alert {
    /**
     * The article versions it speaks of.
     */
    articles: [AlertArticle, ...AlertArticle[]];
    /**
     * Event time of the article that raised it (its ce_time); of a subscription with a policy,
     * when the alert was raised. Not when it was sent.
     */
    at: string;
    /**
     * Drop repeats by it.
     */
    id: string;
    /**
     * True for an alert asked for to try a destination: nothing happened.
     */
    sample?: boolean;
    /**
     * The words of PagerDuty Events v2.
     */
    severity: Severity;
    /**
     * Where in the life of its story the alert stands.
     */
    step: Step;
    /**
     * Id of the story; absent when the article has none.
     */
    story?: string;
    /**
     * Who asked: the id of the subscription.
     */
    subscription: string;
    /**
     * Why it was raised.
     */
    why: WhyObject;
    [property: string]: unknown;
}

export interface AlertArticle {
    action: ArticleAction;
    /**
     * Article id.
     */
    id:       string;
    language: string;
    /**
     * In UTC with Z, or a local time without an offset when its zone is unknown.
     */
    published_at: string;
    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    source:  string;
    title:   string;
    topics:  string[];
    url?:    string;
    version: number;
    [property: string]: unknown;
}

/**
 * What the reader is to do: take a new article, replace the one with this id, or take it
 * down.
 */
export type ArticleAction = "add" | "replace" | "withdraw";

/**
 * The words of PagerDuty Events v2.
 */
export type Severity = "info" | "warning" | "error" | "critical";

/**
 * Where in the life of its story the alert stands.
 */
export type Step = "first" | "update" | "withdrawn" | "digest";

/**
 * Why it was raised.
 */
export interface WhyObject {
    /**
     * The condition that was met, in words.
     */
    rule: string;
    /**
     * Sources heard so far, sorted.
     */
    sources: string[];
    /**
     * The passages that met it.
     */
    spans: AlertSpan[];
    /**
     * One sentence on the state of the story.
     */
    story: string;
    [property: string]: unknown;
}

/**
 * A passage of an article: field[start:end] is text, in code points.
 */
export interface AlertSpan {
    /**
     * Article id.
     */
    article: string;
    end:     number;
    field:   Field;
    start:   number;
    term:    string;
    text:    string;
    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    topic: string;
    [property: string]: unknown;
}

export type Field = "title" | "body";

/**
 * One version of an article, normalised and tagged. Names after IPTC ninjs where one
 * exists. Offsets count Unicode code points of the named field.
 */
export interface Article {
    /**
     * What the reader is to do: take a new article, replace the one with this id, or take it
     * down.
     */
    action: ArticleAction;
    /**
     * The news agency it was taken from.
     */
    agency?: string;
    /**
     * Names as the publisher gave them.
     */
    authors?: string[];
    /**
     * Plain text, NFC, one paragraph a line. No navigation, captions or footers.
     */
    body: string;
    /**
     * Digest of the folded text: equal for equal texts.
     */
    content_hash: string;
    /**
     * The place that its dateline names, where one does. Among `places` only where it is named
     * again.
     */
    dateline?: ArticlePlace;
    /**
     * Id of the article that says (nearly) the same, where a copy is emitted after all.
     */
    duplicate_of?: string;
    /**
     * When the article was first seen: the time at which its first version was fetched, but not
     * after its raw record was written.
     */
    first_seen: string;
    /**
     * The publisher's id.
     */
    guid?: string;
    /**
     * The article's id, the same for all its versions.
     */
    id: string;
    /**
     * BCP 47 tag; `und` when unsure.
     */
    language: string;
    /**
     * What was seen in it, but is not what it is about.
     */
    mentions: ArticleMention[];
    origin?:  ArticleOrigin;
    /**
     * Cities, states and provinces that it names, in the order in which they are first named;
     * of those whose countries are among its topics and mentions. Not there where it names
     * none, and in articles of release 0.1.
     */
    places?:   ArticlePlace[];
    published: ArticlePublished;
    /**
     * What the publisher sent beyond the contract, as it came.
     */
    raw?: { [key: string]: unknown };
    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    source: string;
    /**
     * Id of the story the article belongs to.
     */
    story?: string;
    /**
     * Articles of the story when this version was decided: this one and copies counted,
     * withdrawn ones not.
     */
    story_size?: number;
    /**
     * Plain text, NFC, one line.
     */
    title: string;
    /**
     * What the article is about, the strongest first.
     */
    topics: ArticleTopic[];
    /**
     * Its address: the canonical URL, with the scheme and the www. it came with.
     */
    url?: string;
    /**
     * Counts the states of this article, from 1: another text, or other tags of the same text.
     */
    version: number;
    /**
     * Words of the body.
     */
    word_count: number;
    [property: string]: unknown;
}

/**
 * The place that its dateline names, where one does. Among `places` only where it is named
 * again.
 *
 * A place that the article names.
 */
export interface ArticlePlace {
    /**
     * Its country's code in ISO 3166: SA.
     */
    country: string;
    /**
     * A city, or a state or province.
     */
    kind: Kind;
    /**
     * In degrees, north of the equator; of cities.
     */
    latitude?: number;
    /**
     * In degrees, east of Greenwich; of cities.
     */
    longitude?: number;
    /**
     * Its name in English: Jeddah.
     */
    name: string;
    /**
     * Where it is named: field[start:end].
     */
    spans: [ArticleSpan, ...ArticleSpan[]];
    /**
     * Of a city, the code that GeoNames has for the state or province it lies in: TX, 14.
     */
    subdivision?: string;
    /**
     * Its name as it first stands in the article: جدة.
     */
    text: string;
    [property: string]: unknown;
}

/**
 * A city, or a state or province.
 */
export type Kind = "city" | "subdivision";

export interface ArticleSpan {
    end:   number;
    field: Field;
    start: number;
    [property: string]: unknown;
}

export interface ArticleMention {
    /**
     * As in a topic.
     */
    code:  string;
    count: number;
    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    id: string;
    [property: string]: unknown;
}

/**
 * The record this version came from.
 */
export interface ArticleOrigin {
    /**
     * Digest of place and bytes.
     */
    event_id:  string;
    offset:    number;
    partition: number;
    /**
     * Kafka topic, or file name.
     */
    topic: string;
    [property: string]: unknown;
}

/**
 * When it was published, and how that is known. Never later than when it was first seen.
 */
export interface ArticlePublished {
    /**
     * In UTC with Z; where `zone` is `unknown`, a local time without an offset. Where no date
     * was found (`evidence` is `first-seen`), it is `first_seen`.
     */
    at: string;
    /**
     * Where the date was found.
     */
    evidence: Evidence;
    /**
     * The smallest unit that the text names: a date of `day` is its midnight, one of `hour` may
     * count back from when it was fetched. Not there where no date was found, and in articles
     * of release 0.1.
     */
    precision?: Precision;
    /**
     * The text it was read from; empty where no date was found.
     */
    text: string;
    /**
     * Whether the text named its time zone, the source's profile did, or neither; `explicit`
     * where no date was found or it counts back from the time of the fetch, since these are in
     * UTC.
     */
    zone: Zone;
    [property: string]: unknown;
}

/**
 * Where the date was found.
 */
export type Evidence = "json-ld" | "meta" | "feed" | "text" | "first-seen";

/**
 * The smallest unit that the text names: a date of `day` is its midnight, one of `hour` may
 * count back from when it was fetched. Not there where no date was found, and in articles
 * of release 0.1.
 */
export type Precision = "second" | "minute" | "hour" | "day";

/**
 * Whether the text named its time zone, the source's profile did, or neither; `explicit`
 * where no date was found or it counts back from the time of the fetch, since these are in
 * UTC.
 */
export type Zone = "explicit" | "source" | "unknown";

export interface ArticleTopic {
    /**
     * Code in that list: SY. Empty for a topic whose rule names none, as those of your own
     * usually are.
     */
    code: string;
    /**
     * The passages that decided.
     */
    evidence: ArticleEvidence[];
    /**
     * The id of a topic: lower-case letters, digits and hyphens, as in united-states.
     */
    id: string;
    /**
     * Version of the rules that decided.
     */
    rule_version: string;
    /**
     * The code list `code` is of: iso3166 for countries, newsflow where the rule names none.
     */
    scheme: string;
    /**
     * How strongly, 0 or more.
     */
    score: number;
    [property: string]: unknown;
}

/**
 * One matched passage: field[start:end] is text.
 */
export interface ArticleEvidence {
    end:   number;
    field: Field;
    /**
     * Of the name of a place, or of what stands for a country, what it is: city, subdivision,
     * institution, leader or sign. Others may come. Not there for a term of a rule, which is
     * what the country is called or a name of its own.
     */
    kind?: string;
    start: number;
    /**
     * The term of the rule.
     */
    term: string;
    /**
     * The passage as it stands there.
     */
    text:   string;
    weight: number;
    [property: string]: unknown;
}

/**
 * A topic or a story grew far faster than on other days at this hour. One burst is raised
 * once; that it ended, or was none after a correction, is said in a later revision under
 * the same id.
 */
export interface Burst {
    /**
     * Articles of that window; as corrected, where it is retracted.
     */
    articles: number;
    /**
     * Earlier days that this is known from.
     */
    days: number;
    /**
     * What kind of thing grew.
     */
    dimension: BurstDimension;
    /**
     * The last window that was looked at before it was said to have ended.
     */
    ended?: BurstWindow;
    /**
     * Articles that were to be expected there, from the same window of earlier days; one
     * standard error is added.
     */
    expected: number;
    /**
     * The same in all revisions: derives from the window that raised it, dimension and name.
     */
    id: string;
    /**
     * What is counted, within the dimension: a topic id, a language tag, a source, a story id;
     * `all` for all articles.
     */
    name: string;
    peak: BurstPeak;
    /**
     * The revision before. Not there in the first.
     */
    replaces?: BurstReplaces;
    /**
     * Counts what was said about this burst, from 1.
     */
    revision: number;
    /**
     * Ids of up to ten of its articles.
     */
    sample: string[];
    /**
     * Different sources of them.
     */
    sources: number;
    /**
     * `raised`; `ended`: counts are usual again; `retracted`: a correction took away what had
     * raised it.
     */
    state: State;
    /**
     * log10 of the probability that a usual day gives as many articles.
     */
    tail_log10: number;
    /**
     * The window that raised it.
     */
    window: BurstWindow;
    [property: string]: unknown;
}

/**
 * What kind of thing grew.
 */
export type BurstDimension = "all" | "topic" | "language" | "source" | "story";

/**
 * The last window that was looked at before it was said to have ended.
 *
 * A window of event time: from `start` on, up to but without `end`.
 *
 * The window that raised it.
 */
export interface BurstWindow {
    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    end: string;
    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    start: string;
    [property: string]: unknown;
}

/**
 * The window with most articles so far.
 */
export interface BurstPeak {
    /**
     * How many that were.
     */
    articles: number;
    window:   BurstWindow;
    [property: string]: unknown;
}

/**
 * The revision before. Not there in the first.
 */
export interface BurstReplaces {
    /**
     * Its number.
     */
    revision: number;
    [property: string]: unknown;
}

/**
 * `raised`; `ended`: counts are usual again; `retracted`: a correction took away what had
 * raised it.
 */
export type State = "raised" | "ended" | "retracted";

/**
 * Stands in a record for a value that does not fit its topic. The value is in the blob
 * store, under its digest; the header `ce_dataref` says the same. In place of a value of
 * any topic, and of dead letters.
 */
export interface Claim {
    /**
     * Where the blob is: a reference relative to `blobs.url`. From producers, also an address
     * below `blobs.url`.
     */
    dataref: string;
    /**
     * `sha256:` and the SHA-256 of the blob in 64 hexadecimal digits.
     */
    digest: string;
    /**
     * `record` where key and headers alone did not fit: the blob is then JSON of the whole
     * record, with `key_base64`, `value_base64` and `headers`. Absent: the blob is the value.
     */
    holds?: Holds;
    /**
     * The id of what the blob holds: of an article, an alert; otherwise the `ce_id`, of a dead
     * letter its `newsflow.error.id`.
     */
    id: string;
    /**
     * Bytes of the blob.
     */
    size: number;
    /**
     * The version of the article that the blob holds.
     */
    version?: number;
    [property: string]: unknown;
}

/**
 * `record` where key and headers alone did not fit: the blob is then JSON of the whole
 * record, with `key_base64`, `value_base64` and `headers`. Absent: the blob is the value.
 */
export type Holds = "value" | "record";

/**
 * An article that was held back because another one already says (nearly) the same.
 */
export interface Duplicate {
    /**
     * Shared shingles over those of the shorter text.
     */
    containment: number;
    /**
     * The article held back.
     */
    copy: DuplicateRef;
    /**
     * Shared shingles over all shingles.
     */
    jaccard: number;
    /**
     * `exact`: the same folded text. `near`: nearly the same.
     */
    method: Method;
    /**
     * Share of the smaller set of number tokens that both hold; 1 when there are none.
     */
    numbers: number;
    /**
     * The one seen first.
     */
    original: DuplicateRef;
    /**
     * Id of the story both belong to.
     */
    story?: string;
    [property: string]: unknown;
}

/**
 * The article held back.
 *
 * Names one article.
 *
 * The one seen first.
 */
export interface DuplicateRef {
    guid?: string;
    /**
     * Article id.
     */
    id: string;
    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    source: string;
    url?:   string;
    [property: string]: unknown;
}

/**
 * `exact`: the same folded text. `near`: nearly the same.
 */
export type Method = "exact" | "near";

/**
 * What a fetcher saw of one article at one time. Members beyond these are kept, not
 * refused. A hint that is null counts as absent.
 */
export interface RawArticle {
    /**
     * `withdraw` takes the article back; it then needs no content.
     */
    action?: RawArticleAction;
    /**
     * Hint: the news agency it was taken from.
     */
    agency?: null | string;
    /**
     * Hint: names of the authors.
     */
    authors?: string[] | null;
    /**
     * Hint: the URL the publisher calls canonical.
     */
    canonical_url?: null | string;
    /**
     * The page or text as it was fetched, decoded to Unicode. The size of the whole value is
     * limited, see outcomes.
     */
    content?: string;
    /**
     * `article`: the content is an article and nothing else, as in a feed, an API or an
     * archive: nothing of it is cut. `page`: there may be menus, teasers and comments around
     * it, which are. Absent or null: it is told from the content.
     */
    content_is?: ContentIs | null;
    /**
     * Media type of `content`: text/html or text/plain. Parameters such as charset are allowed
     * and have no effect.
     */
    content_type?: string;
    /**
     * In place of `content`: the blob that holds it, in UTF-8, by its name below `blobs.url`
     * (`sha256/3f/3f7a…`) or its address there. Not read where there is `content`.
     */
    dataref?: null | string;
    /**
     * Hint: the feed it was found in.
     */
    feed?: null | string;
    /**
     * When it was fetched. Orders the states of one article.
     */
    fetched_at: string;
    /**
     * The publisher's own id of the article, unique within the source.
     */
    guid?: null | string;
    /**
     * Hint: BCP 47 language tag.
     */
    language?: null | string;
    /**
     * Hint: when it was published, in the publisher's own words.
     */
    published?: null | string;
    /**
     * Hint: the publisher's section.
     */
    section?: null | string;
    /**
     * The registered id of an outlet: lower-case letters, digits, dots, hyphens and
     * underscores, as in barid-sahel.
     */
    source: string;
    /**
     * Hint: the title, as a feed gave it.
     */
    title?: null | string;
    /**
     * Where it was fetched. An absolute http or https URL.
     */
    url?: null | string;
    /**
     * Hint: the publisher's own version of the article.
     */
    version?: number | null | string;
    [property: string]: unknown;
}

/**
 * `withdraw` takes the article back; it then needs no content.
 */
export type RawArticleAction = "publish" | "withdraw";

export type ContentIs = "page" | "article";

/**
 * A happening that several articles tell of, in whatever language, as it stands; or an id
 * that leads on to another story. The last record of an id holds.
 */
export interface Story {
    /**
     * ISO 3166 codes of the countries that these articles are about, sorted.
     */
    countries?: string[];
    /**
     * Of the first of all its articles.
     */
    first_seen?: string;
    /**
     * As in the articles' `story`. It never changes.
     */
    id: string;
    /**
     * How many sources speak for themselves: those of one publisher family count once, and so
     * do all that credit one agency, and the agency.
     */
    independent_sources?: number;
    /**
     * Base languages of the articles that are not withdrawn, sorted.
     */
    languages?: string[];
    /**
     * First seen of the last of all its articles.
     */
    last_seen?: string;
    /**
     * The story that this one turned out to be, or that its one article was put into; follow it
     * until a story has none.
     */
    merged_into?: string;
    /**
     * The article that stands for the story.
     */
    representative?: Representative;
    /**
     * Articles that are not withdrawn, copies included.
     */
    size?: number;
    /**
     * Of the articles that are not withdrawn, sorted.
     */
    sources?: string[];
    /**
     * Of the representative.
     */
    title?: string;
    /**
     * Ids of the topics that these articles are about, sorted.
     */
    topics?: string[];
    [property: string]: unknown;
}

/**
 * The article that stands for the story.
 */
export interface Representative {
    id: string;
    /**
     * BCP 47 tag; `und` when unsure.
     */
    language: string;
    source:   string;
    url?:     string;
    version:  number;
    /**
     * `first`: it was the first that was seen. `first-that-stands`: those before it were
     * withdrawn, or are copies. `none-stands`: all were withdrawn; it was the first.
     */
    why: WhyEnum;
    [property: string]: unknown;
}

/**
 * `first`: it was the first that was seen. `first-that-stands`: those before it were
 * withdrawn, or are copies. `none-stands`: all were withdrawn; it was the first.
 */
export type WhyEnum = "first" | "first-that-stands" | "none-stands";

/**
 * How many articles first seen in one window are about one topic, in one language, or from
 * one source. An article counts once, with its newest version, and no more once it is
 * withdrawn. Of one id the highest revision holds.
 */
export interface Trend {
    /**
     * Articles counted; 0 only where a correction took the last one away.
     */
    articles: number;
    /**
     * What kind of thing is counted.
     */
    dimension: TrendDimension;
    /**
     * The same in all revisions: derives from window, dimension and name.
     */
    id: string;
    /**
     * What is counted, within the dimension: a topic id, a language tag, a source, a story id;
     * `all` for all articles.
     */
    name: string;
    /**
     * What this corrects. Not there in the first revision.
     */
    replaces?: TrendReplaces;
    /**
     * 1 when the window is closed; one more with each correction.
     */
    revision: number;
    window:   TrendWindow;
    [property: string]: unknown;
}

/**
 * What kind of thing is counted.
 */
export type TrendDimension = "all" | "topic" | "language" | "source";

/**
 * What this corrects. Not there in the first revision.
 */
export interface TrendReplaces {
    /**
     * The count it gave.
     */
    articles: number;
    /**
     * The revision before.
     */
    revision: number;
    [property: string]: unknown;
}

/**
 * A window of event time: from `start` on, up to but without `end`.
 */
export interface TrendWindow {
    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    end: string;
    /**
     * An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
     */
    start: string;
    [property: string]: unknown;
}
