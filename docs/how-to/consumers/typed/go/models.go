// Written by tools/models.py from schemas/ (c985e753f91e8210). Change nothing here.
package main

// Somebody asked to be told of this. The id derives from subscription, story and step: the
// same alert again has the same id.
type Alert struct {
	// The article versions it speaks of.
	Articles                                                                                   []AlertArticle `json:"articles"`
	// Event time of the article that raised it (its ce_time); of a subscription with a policy,
	// when the alert was raised. Not when it was sent.
	At                                                                                         string         `json:"at"`
	// Drop repeats by it.
	ID                                                                                         string         `json:"id"`
	// True for an alert asked for to try a destination: nothing happened.
	Sample                                                                                     *bool          `json:"sample,omitempty"`
	// The words of PagerDuty Events v2.
	Severity                                                                                   Severity       `json:"severity"`
	// Where in the life of its story the alert stands.
	Step                                                                                       Step           `json:"step"`
	// Id of the story; absent when the article has none.
	Story                                                                                      *string        `json:"story,omitempty"`
	// Who asked: the id of the subscription.
	Subscription                                                                               string         `json:"subscription"`
	// Why it was raised.
	Why                                                                                        WhyClass       `json:"why"`
}

type AlertArticle struct {
	Action                                                                          ArticleAction `json:"action"`
	// Article id.
	ID                                                                              string        `json:"id"`
	Language                                                                        string        `json:"language"`
	// In UTC with Z, or a local time without an offset when its zone is unknown.
	PublishedAt                                                                     string        `json:"published_at"`
	// The registered id of an outlet: lower-case letters, digits, dots, hyphens and
	// underscores, as in barid-sahel.
	Source                                                                          string        `json:"source"`
	Title                                                                           string        `json:"title"`
	Topics                                                                          []string      `json:"topics"`
	URL                                                                             *string       `json:"url,omitempty"`
	Version                                                                         int64         `json:"version"`
}

// Why it was raised.
type WhyClass struct {
	// The condition that was met, in words.
	Rule                                      string      `json:"rule"`
	// Sources heard so far, sorted.
	Sources                                   []string    `json:"sources"`
	// The passages that met it.
	Spans                                     []AlertSpan `json:"spans"`
	// One sentence on the state of the story.
	Story                                     string      `json:"story"`
}

// A passage of an article: field[start:end] is text, in code points.
type AlertSpan struct {
	// Article id.
	Article                                                                           string `json:"article"`
	End                                                                               int64  `json:"end"`
	Field                                                                             Field  `json:"field"`
	Start                                                                             int64  `json:"start"`
	Term                                                                              string `json:"term"`
	Text                                                                              string `json:"text"`
	// The id of a topic: lower-case letters, digits and hyphens, as in united-states.
	Topic                                                                             string `json:"topic"`
}

// One version of an article, normalised and tagged. Names after IPTC ninjs where one
// exists. Offsets count Unicode code points of the named field.
type Article struct {
	// What the reader is to do: take a new article, replace the one with this id, or take it
	// down.
	Action                                                                                      ArticleAction          `json:"action"`
	// The news agency it was taken from.
	Agency                                                                                      *string                `json:"agency,omitempty"`
	// Names as the publisher gave them.
	Authors                                                                                     []string               `json:"authors,omitempty"`
	// Plain text, NFC, one paragraph a line. No navigation, captions or footers.
	Body                                                                                        string                 `json:"body"`
	// Digest of the folded text: equal for equal texts.
	ContentHash                                                                                 string                 `json:"content_hash"`
	// The place that its dateline names, where one does. Among `places` only where it is named
	// again.
	Dateline                                                                                    *ArticlePlace          `json:"dateline,omitempty"`
	// Id of the article that says (nearly) the same, where a copy is emitted after all.
	DuplicateOf                                                                                 *string                `json:"duplicate_of,omitempty"`
	// When the article was first seen: the time at which its first version was fetched, but not
	// after its raw record was written.
	FirstSeen                                                                                   string                 `json:"first_seen"`
	// The publisher's id.
	GUID                                                                                        *string                `json:"guid,omitempty"`
	// The article's id, the same for all its versions.
	ID                                                                                          string                 `json:"id"`
	// BCP 47 tag; `und` when unsure.
	Language                                                                                    string                 `json:"language"`
	// What was seen in it, but is not what it is about.
	Mentions                                                                                    []ArticleMention       `json:"mentions"`
	Origin                                                                                      *ArticleOrigin         `json:"origin,omitempty"`
	// Cities, states and provinces that it names, in the order in which they are first named;
	// of those whose countries are among its topics and mentions. Not there where it names
	// none, and in articles of release 0.1.
	Places                                                                                      []ArticlePlace         `json:"places,omitempty"`
	Published                                                                                   ArticlePublished       `json:"published"`
	// What the publisher sent beyond the contract, as it came.
	Raw                                                                                         map[string]interface{} `json:"raw,omitempty"`
	// The registered id of an outlet: lower-case letters, digits, dots, hyphens and
	// underscores, as in barid-sahel.
	Source                                                                                      string                 `json:"source"`
	// Id of the story the article belongs to.
	Story                                                                                       *string                `json:"story,omitempty"`
	// Articles of the story when this version was decided: this one and copies counted,
	// withdrawn ones not.
	StorySize                                                                                   *int64                 `json:"story_size,omitempty"`
	// Plain text, NFC, one line.
	Title                                                                                       string                 `json:"title"`
	// What the article is about, the strongest first.
	Topics                                                                                      []ArticleTopic         `json:"topics"`
	// Its address: the canonical URL, with the scheme and the www. it came with.
	URL                                                                                         *string                `json:"url,omitempty"`
	// Counts the states of this article, from 1: another text, or other tags of the same text.
	Version                                                                                     int64                  `json:"version"`
	// Words of the body.
	WordCount                                                                                   int64                  `json:"word_count"`
}

// The place that its dateline names, where one does. Among `places` only where it is named
// again.
//
// A place that the article names.
type ArticlePlace struct {
	// Its country's code in ISO 3166: SA.
	Country                                                                               string        `json:"country"`
	// A city, or a state or province.
	Kind                                                                                  Kind          `json:"kind"`
	// In degrees, north of the equator; of cities.
	Latitude                                                                              *float64      `json:"latitude,omitempty"`
	// In degrees, east of Greenwich; of cities.
	Longitude                                                                             *float64      `json:"longitude,omitempty"`
	// Its name in English: Jeddah.
	Name                                                                                  string        `json:"name"`
	// Where it is named: field[start:end].
	Spans                                                                                 []ArticleSpan `json:"spans"`
	// Of a city, the code that GeoNames has for the state or province it lies in: TX, 14.
	Subdivision                                                                           *string       `json:"subdivision,omitempty"`
	// Its name as it first stands in the article: جدة.
	Text                                                                                  string        `json:"text"`
}

type ArticleSpan struct {
	End   int64 `json:"end"`
	Field Field `json:"field"`
	Start int64 `json:"start"`
}

type ArticleMention struct {
	// As in a topic.
	Code                                                                              string `json:"code"`
	Count                                                                             int64  `json:"count"`
	// The id of a topic: lower-case letters, digits and hyphens, as in united-states.
	ID                                                                                string `json:"id"`
}

// The record this version came from.
type ArticleOrigin struct {
	// Digest of place and bytes.
	EventID                      string `json:"event_id"`
	Offset                       int64  `json:"offset"`
	Partition                    int64  `json:"partition"`
	// Kafka topic, or file name.
	Topic                        string `json:"topic"`
}

// When it was published, and how that is known. Never later than when it was first seen.
type ArticlePublished struct {
	// In UTC with Z; where `zone` is `unknown`, a local time without an offset. Where no date
	// was found (`evidence` is `first-seen`), it is `first_seen`.
	At                                                                                          string     `json:"at"`
	// Where the date was found.
	Evidence                                                                                    Evidence   `json:"evidence"`
	// The smallest unit that the text names: a date of `day` is its midnight, one of `hour` may
	// count back from when it was fetched. Not there where no date was found, and in articles
	// of release 0.1.
	Precision                                                                                   *Precision `json:"precision,omitempty"`
	// The text it was read from; empty where no date was found.
	Text                                                                                        string     `json:"text"`
	// Whether the text named its time zone, the source's profile did, or neither; `explicit`
	// where no date was found or it counts back from the time of the fetch, since these are in
	// UTC.
	Zone                                                                                        Zone       `json:"zone"`
}

type ArticleTopic struct {
	// Code in that list: SY. Empty for a topic whose rule names none, as those of your own
	// usually are.
	Code                                                                                     string            `json:"code"`
	// The passages that decided.
	Evidence                                                                                 []ArticleEvidence `json:"evidence"`
	// The id of a topic: lower-case letters, digits and hyphens, as in united-states.
	ID                                                                                       string            `json:"id"`
	// Version of the rules that decided.
	RuleVersion                                                                              string            `json:"rule_version"`
	// The code list `code` is of: iso3166 for countries, newsflow where the rule names none.
	Scheme                                                                                   string            `json:"scheme"`
	// How strongly, 0 or more.
	Score                                                                                    float64           `json:"score"`
}

// One matched passage: field[start:end] is text.
type ArticleEvidence struct {
	End                                                                                       int64   `json:"end"`
	Field                                                                                     Field   `json:"field"`
	// Of the name of a place, or of what stands for a country, what it is: city, subdivision,
	// institution, leader or sign. Others may come. Not there for a term of a rule, which is
	// what the country is called or a name of its own.
	Kind                                                                                      *string `json:"kind,omitempty"`
	Start                                                                                     int64   `json:"start"`
	// The term of the rule.
	Term                                                                                      string  `json:"term"`
	// The passage as it stands there.
	Text                                                                                      string  `json:"text"`
	Weight                                                                                    float64 `json:"weight"`
}

// A topic or a story grew far faster than on other days at this hour. One burst is raised
// once; that it ended, or was none after a correction, is said in a later revision under
// the same id.
type Burst struct {
	// Articles of that window; as corrected, where it is retracted.
	Articles                                                                                   int64          `json:"articles"`
	// Earlier days that this is known from.
	Days                                                                                       int64          `json:"days"`
	// What kind of thing grew.
	Dimension                                                                                  BurstDimension `json:"dimension"`
	// The last window that was looked at before it was said to have ended.
	Ended                                                                                      *BurstWindow   `json:"ended,omitempty"`
	// Articles that were to be expected there, from the same window of earlier days; one
	// standard error is added.
	Expected                                                                                   float64        `json:"expected"`
	// The same in all revisions: derives from the window that raised it, dimension and name.
	ID                                                                                         string         `json:"id"`
	// What is counted, within the dimension: a topic id, a language tag, a source, a story id;
	// `all` for all articles.
	Name                                                                                       string         `json:"name"`
	Peak                                                                                       BurstPeak      `json:"peak"`
	// The revision before. Not there in the first.
	Replaces                                                                                   *BurstReplaces `json:"replaces,omitempty"`
	// Counts what was said about this burst, from 1.
	Revision                                                                                   int64          `json:"revision"`
	// Ids of up to ten of its articles.
	Sample                                                                                     []string       `json:"sample"`
	// Different sources of them.
	Sources                                                                                    int64          `json:"sources"`
	// `raised`; `ended`: counts are usual again; `retracted`: a correction took away what had
	// raised it.
	State                                                                                      State          `json:"state"`
	// log10 of the probability that a usual day gives as many articles.
	TailLog10                                                                                  float64        `json:"tail_log10"`
	// The window that raised it.
	Window                                                                                     BurstWindow    `json:"window"`
}

// The last window that was looked at before it was said to have ended.
//
// A window of event time: from `start` on, up to but without `end`.
//
// The window that raised it.
type BurstWindow struct {
	// An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
	End                                                         string `json:"end"`
	// An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
	Start                                                       string `json:"start"`
}

// The window with most articles so far.
type BurstPeak struct {
	// How many that were.
	Articles              int64       `json:"articles"`
	Window                BurstWindow `json:"window"`
}

// The revision before. Not there in the first.
type BurstReplaces struct {
	// Its number.
	Revision      int64 `json:"revision"`
}

// Stands in a record for a value that does not fit its topic. The value is in the blob
// store, under its digest; the header `ce_dataref` says the same. In place of a value of
// any topic, and of dead letters.
type Claim struct {
	// Where the blob is: a reference relative to `blobs.url`. From producers, also an address
	// below `blobs.url`.
	Dataref                                                                                    string `json:"dataref"`
	// `sha256:` and the SHA-256 of the blob in 64 hexadecimal digits.
	Digest                                                                                     string `json:"digest"`
	// `record` where key and headers alone did not fit: the blob is then JSON of the whole
	// record, with `key_base64`, `value_base64` and `headers`. Absent: the blob is the value.
	Holds                                                                                      *Holds `json:"holds,omitempty"`
	// The id of what the blob holds: of an article, an alert; otherwise the `ce_id`, of a dead
	// letter its `newsflow.error.id`.
	ID                                                                                         string `json:"id"`
	// Bytes of the blob.
	Size                                                                                       int64  `json:"size"`
	// The version of the article that the blob holds.
	Version                                                                                    *int64 `json:"version,omitempty"`
}

// An article that was held back because another one already says (nearly) the same.
type Duplicate struct {
	// Shared shingles over those of the shorter text.
	Containment                                                                        float64      `json:"containment"`
	// The article held back.
	Copy                                                                               DuplicateRef `json:"copy"`
	// Shared shingles over all shingles.
	Jaccard                                                                            float64      `json:"jaccard"`
	// `exact`: the same folded text. `near`: nearly the same.
	Method                                                                             Method       `json:"method"`
	// Share of the smaller set of number tokens that both hold; 1 when there are none.
	Numbers                                                                            float64      `json:"numbers"`
	// The one seen first.
	Original                                                                           DuplicateRef `json:"original"`
	// Id of the story both belong to.
	Story                                                                              *string      `json:"story,omitempty"`
}

// The article held back.
//
// Names one article.
//
// The one seen first.
type DuplicateRef struct {
	GUID                                                                            *string `json:"guid,omitempty"`
	// Article id.
	ID                                                                              string  `json:"id"`
	// The registered id of an outlet: lower-case letters, digits, dots, hyphens and
	// underscores, as in barid-sahel.
	Source                                                                          string  `json:"source"`
	URL                                                                             *string `json:"url,omitempty"`
}

// What a fetcher saw of one article at one time. Members beyond these are kept, not
// refused. A hint that is null counts as absent.
type RawArticle struct {
	// `withdraw` takes the article back; it then needs no content.
	Action                                                                                     *RawArticleAction `json:"action,omitempty"`
	// Hint: the news agency it was taken from.
	Agency                                                                                     *string           `json:"agency"`
	// Hint: names of the authors.
	Authors                                                                                    []string          `json:"authors"`
	// Hint: the URL the publisher calls canonical.
	CanonicalURL                                                                               *string           `json:"canonical_url"`
	// The page or text as it was fetched, decoded to Unicode. The size of the whole value is
	// limited, see outcomes.
	Content                                                                                    *string           `json:"content,omitempty"`
	// `article`: the content is an article and nothing else, as in a feed, an API or an
	// archive: nothing of it is cut. `page`: there may be menus, teasers and comments around
	// it, which are. Absent or null: it is told from the content.
	ContentIs                                                                                  *ContentIs        `json:"content_is"`
	// Media type of `content`: text/html or text/plain. Parameters such as charset are allowed
	// and have no effect.
	ContentType                                                                                *string           `json:"content_type,omitempty"`
	// In place of `content`: the blob that holds it, in UTF-8, by its name below `blobs.url`
	// (`sha256/3f/3f7a…`) or its address there. Not read where there is `content`.
	Dataref                                                                                    *string           `json:"dataref"`
	// Hint: the feed it was found in.
	Feed                                                                                       *string           `json:"feed"`
	// When it was fetched. Orders the states of one article.
	FetchedAt                                                                                  string            `json:"fetched_at"`
	// The publisher's own id of the article, unique within the source.
	GUID                                                                                       *string           `json:"guid"`
	// Hint: BCP 47 language tag.
	Language                                                                                   *string           `json:"language"`
	// Hint: when it was published, in the publisher's own words.
	Published                                                                                  *string           `json:"published"`
	// Hint: the publisher's section.
	Section                                                                                    *string           `json:"section"`
	// The registered id of an outlet: lower-case letters, digits, dots, hyphens and
	// underscores, as in barid-sahel.
	Source                                                                                     string            `json:"source"`
	// Hint: the title, as a feed gave it.
	Title                                                                                      *string           `json:"title"`
	// Where it was fetched. An absolute http or https URL.
	URL                                                                                        *string           `json:"url"`
	// Hint: the publisher's own version of the article.
	Version                                                                                    *Version          `json:"version"`
}

// A happening that several articles tell of, in whatever language, as it stands; or an id
// that leads on to another story. The last record of an id holds.
type Story struct {
	// ISO 3166 codes of the countries that these articles are about, sorted.
	Countries                                                                                   []string        `json:"countries,omitempty"`
	// Of the first of all its articles.
	FirstSeen                                                                                   *string         `json:"first_seen,omitempty"`
	// As in the articles' `story`. It never changes.
	ID                                                                                          string          `json:"id"`
	// How many sources speak for themselves: those of one publisher family count once, and so
	// do all that credit one agency, and the agency.
	IndependentSources                                                                          *int64          `json:"independent_sources,omitempty"`
	// Base languages of the articles that are not withdrawn, sorted.
	Languages                                                                                   []string        `json:"languages,omitempty"`
	// First seen of the last of all its articles.
	LastSeen                                                                                    *string         `json:"last_seen,omitempty"`
	// The story that this one turned out to be, or that its one article was put into; follow it
	// until a story has none.
	MergedInto                                                                                  *string         `json:"merged_into,omitempty"`
	// The article that stands for the story.
	Representative                                                                              *Representative `json:"representative,omitempty"`
	// Articles that are not withdrawn, copies included.
	Size                                                                                        *int64          `json:"size,omitempty"`
	// Of the articles that are not withdrawn, sorted.
	Sources                                                                                     []string        `json:"sources,omitempty"`
	// Of the representative.
	Title                                                                                       *string         `json:"title,omitempty"`
	// Ids of the topics that these articles are about, sorted.
	Topics                                                                                      []string        `json:"topics,omitempty"`
}

// The article that stands for the story.
type Representative struct {
	ID                                                                                   string  `json:"id"`
	// BCP 47 tag; `und` when unsure.
	Language                                                                             string  `json:"language"`
	Source                                                                               string  `json:"source"`
	URL                                                                                  *string `json:"url,omitempty"`
	Version                                                                              int64   `json:"version"`
	// `first`: it was the first that was seen. `first-that-stands`: those before it were
	// withdrawn, or are copies. `none-stands`: all were withdrawn; it was the first.
	Why                                                                                  WhyEnum `json:"why"`
}

// How many articles first seen in one window are about one topic, in one language, or from
// one source. An article counts once, with its newest version, and no more once it is
// withdrawn. Of one id the highest revision holds.
type Trend struct {
	// Articles counted; 0 only where a correction took the last one away.
	Articles                                                                                   int64          `json:"articles"`
	// What kind of thing is counted.
	Dimension                                                                                  TrendDimension `json:"dimension"`
	// The same in all revisions: derives from window, dimension and name.
	ID                                                                                         string         `json:"id"`
	// What is counted, within the dimension: a topic id, a language tag, a source, a story id;
	// `all` for all articles.
	Name                                                                                       string         `json:"name"`
	// What this corrects. Not there in the first revision.
	Replaces                                                                                   *TrendReplaces `json:"replaces,omitempty"`
	// 1 when the window is closed; one more with each correction.
	Revision                                                                                   int64          `json:"revision"`
	Window                                                                                     TrendWindow    `json:"window"`
}

// What this corrects. Not there in the first revision.
type TrendReplaces struct {
	// The count it gave.
	Articles               int64 `json:"articles"`
	// The revision before.
	Revision               int64 `json:"revision"`
}

// A window of event time: from `start` on, up to but without `end`.
type TrendWindow struct {
	// An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
	End                                                         string `json:"end"`
	// An instant in UTC, RFC 3339 with Z: 2024-12-15T13:21:00Z.
	Start                                                       string `json:"start"`
}

// What the reader is to do: take a new article, replace the one with this id, or take it
// down.
type ArticleAction string

const (
	Add            ArticleAction = "add"
	PurpleWithdraw ArticleAction = "withdraw"
	Replace        ArticleAction = "replace"
)

// The words of PagerDuty Events v2.
type Severity string

const (
	Critical Severity = "critical"
	Error    Severity = "error"
	Info     Severity = "info"
	Warning  Severity = "warning"
)

// Where in the life of its story the alert stands.
type Step string

const (
	Digest    Step = "digest"
	StepFirst Step = "first"
	Update    Step = "update"
	Withdrawn Step = "withdrawn"
)

type Field string

const (
	Body  Field = "body"
	Title Field = "title"
)

// A city, or a state or province.
type Kind string

const (
	City        Kind = "city"
	Subdivision Kind = "subdivision"
)

// Where the date was found.
type Evidence string

const (
	Feed      Evidence = "feed"
	FirstSeen Evidence = "first-seen"
	JSONLd    Evidence = "json-ld"
	Meta      Evidence = "meta"
	Text      Evidence = "text"
)

// The smallest unit that the text names: a date of `day` is its midnight, one of `hour` may
// count back from when it was fetched. Not there where no date was found, and in articles
// of release 0.1.
type Precision string

const (
	Day    Precision = "day"
	Hour   Precision = "hour"
	Minute Precision = "minute"
	Second Precision = "second"
)

// Whether the text named its time zone, the source's profile did, or neither; `explicit`
// where no date was found or it counts back from the time of the fetch, since these are in
// UTC.
type Zone string

const (
	Explicit   Zone = "explicit"
	Unknown    Zone = "unknown"
	ZoneSource Zone = "source"
)

// What kind of thing grew.
type BurstDimension string

const (
	DimensionStory BurstDimension = "story"
	PurpleAll      BurstDimension = "all"
	PurpleLanguage BurstDimension = "language"
	PurpleSource   BurstDimension = "source"
	PurpleTopic    BurstDimension = "topic"
)

// `raised`; `ended`: counts are usual again; `retracted`: a correction took away what had
// raised it.
type State string

const (
	Ended     State = "ended"
	Raised    State = "raised"
	Retracted State = "retracted"
)

// `record` where key and headers alone did not fit: the blob is then JSON of the whole
// record, with `key_base64`, `value_base64` and `headers`. Absent: the blob is the value.
type Holds string

const (
	Record Holds = "record"
	Value  Holds = "value"
)

// `exact`: the same folded text. `near`: nearly the same.
type Method string

const (
	Exact Method = "exact"
	Near  Method = "near"
)

// `withdraw` takes the article back; it then needs no content.
type RawArticleAction string

const (
	FluffyWithdraw RawArticleAction = "withdraw"
	Publish        RawArticleAction = "publish"
)

type ContentIs string

const (
	ContentIsArticle ContentIs = "article"
	Page             ContentIs = "page"
)

// `first`: it was the first that was seen. `first-that-stands`: those before it were
// withdrawn, or are copies. `none-stands`: all were withdrawn; it was the first.
type WhyEnum string

const (
	FirstThatStands WhyEnum = "first-that-stands"
	NoneStands      WhyEnum = "none-stands"
	WhyFirst        WhyEnum = "first"
)

// What kind of thing is counted.
type TrendDimension string

const (
	FluffyAll      TrendDimension = "all"
	FluffyLanguage TrendDimension = "language"
	FluffySource   TrendDimension = "source"
	FluffyTopic    TrendDimension = "topic"
)

// Hint: the publisher's own version of the article.
type Version struct {
	Integer *int64
	String  *string
}
