"""The configuration as values. Built by `newsflow.config.load`, which has checked it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from newsflow.trends.bursts import TrendSettings


@dataclass(frozen=True, slots=True)
class Security:
    """How to talk to the broker. `password` and `key_password` are references, not secrets."""

    protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)
    check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class SchemaRegistry:
    """A registry as Confluent's API has it. `password` is a reference."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Kafka:
    """The broker, and what is read from it."""

    bootstrap_servers: str
    group: str
    input_topic: str
    client_id: str
    compression: str = "gzip"
    registry: SchemaRegistry | None = None
    security: Security = field(default_factory=Security)


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Where decisions are kept, how long another article counts as the first of its text, and what is forgotten.

    `retention_d`: days after which what was not heard of is forgotten. `prune_every_h`: how often a job that
    follows its topic sees to that; 0 for never.
    """

    url: str = field(repr=False)
    window_h: float
    retention_d: float = 90
    prune_every_h: float = 1


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """Where values go that do not fit a record. `shared`: a folder that all processes reach, on whatever machine."""

    url: str = field(repr=False)
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """Whether what is polled and imported is kept, for how many days, and up to how many bytes; 0: without an end."""

    keep: bool = False
    retention_d: float = 90
    most_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StorySettings:
    """How reports are compared. `encoder`: `use`, the sentence encoder that links languages, or `none`."""

    encoder: str = "use"


@dataclass(frozen=True, slots=True)
class Sources:
    """Source profiles, and whether a source without one is refused."""

    paths: tuple[str, ...]
    closed: bool


@dataclass(frozen=True, slots=True)
class WebSubSettings:
    """Where hubs reach `newsflow poll` (`callback`), where it listens for them, the reference of the secret that their
    callbacks and signatures derive from, and for how long they are asked to tell."""

    callback: str
    secret: str = field(repr=False)
    listen: str = "127.0.0.1:8081"
    lease_s: int = 864_000


@dataclass(frozen=True, slots=True)
class PollSettings:
    """What `newsflow poll` asks, how often, and how gently. Sizes in bytes, spans in the unit of their names."""

    feeds: tuple[str, ...] = ()
    user_agent: str = "newsflow"
    contact: str | None = None
    proxy: str | None = field(default=None, repr=False)
    allow_private: bool = False
    workers: int = 16
    host_delay_s: float = 2.0
    timeout_s: float = 30.0
    body_bytes: int = 4_194_304
    start_s: float = 1_800.0
    least_s: float = 300.0
    most_s: float = 86_400.0
    again_h: tuple[float, ...] = (1, 6, 24)
    withdraw: bool = False
    websub: WebSubSettings | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where alerts go. `url` and `secret` may be references (`env:NAME`, `file:PATH`)."""

    type: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0
    mail_from: str | None = None
    mail_to: str | None = None
    """Mailboxes, with commas between."""


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """One who may read what is served. `token` is a reference; without `topics`, everything may be seen. `replay`: it
    may send dead letters again."""

    token: str = field(repr=False)
    topics: tuple[str, ...] = ()
    replay: bool = False


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An OpenID Connect issuer whose tokens are taken. `topics_claim` names the claim with the ids of topics that a
    token's holder may see, `*` among them for everything."""

    issuer: str
    audience: str
    topics_claim: str = "newsflow_topics"


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What `newsflow serve` shows, and to whom. `store` is a name; `copy` is made where none can be read."""

    copy: str = "sqlite:///.newsflow/serve.sqlite3"
    store: str | None = None
    full_text: bool = False
    requests_per_minute: int = 600
    streams: int = 1000
    readers: tuple[tuple[str, ReaderSettings], ...] = ()
    oidc: OidcSettings | None = None


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What keeps one event, one run or one bad day from taking the job down."""

    event_bytes: int
    record_bytes: int
    expand_bytes: int
    extract_s: float
    batch_records: int
    run_records: int
    run_bytes: int
    run_s: float
    start_s: float
    attempts: int
    dead_letters_in_a_row: int
    shutdown_s: float
    inline_bytes: int = 1_048_576
    """A larger page that is polled or imported goes to the blob store."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a job needs to know. Frozen, hashable and small: it is the key of per-process caches."""

    job: str
    kafka: Kafka
    ledger: LedgerSettings
    blobs: BlobSettings
    sources: Sources
    topic_paths: tuple[str, ...]
    topics_applied: str
    """Folder of rules that were applied to running jobs."""
    route_paths: tuple[str, ...]
    destinations: tuple[tuple[str, Destination], ...]
    limits: JobLimits
    stores: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Stores by the names that routes use; their URLs, or references to them."""
    alerts_fresh_h: float = 24.0
    """An alert of what was fetched longer before it was written is old; 0: none is."""

    @property
    def alerts_fresh(self) -> timedelta:
        return timedelta(hours=self.alerts_fresh_h) or timedelta.max

    metrics_listen: str | None = None
    """Where Prometheus is answered, as HOST:PORT or HOST:PORT-PORT."""
    log_format: str = "text"
    trends: TrendSettings = field(default_factory=TrendSettings)
    stories: StorySettings = field(default_factory=StorySettings)
    workers: int | None = None
    """Processes that read and tag; None: as many as there are cores."""
    poll: PollSettings = field(default_factory=PollSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
