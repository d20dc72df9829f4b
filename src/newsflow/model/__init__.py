"""Values shared by every stage. Pure: no Beam, no Kafka, no clock, no I/O."""

from newsflow.model.article import (
    Article,
    DateEvidence,
    DatePrecision,
    Evidence,
    FieldName,
    Mention,
    Origin,
    PublicationDate,
    RawArticle,
    TopicMatch,
    ZoneKnowledge,
)
from newsflow.model.decision import (
    Alike,
    ArticleRef,
    Candidate,
    Decision,
    DuplicateLink,
    PendingAlert,
    PublishedVersion,
    TextChange,
)
from newsflow.model.event import Action, Event, Headers, Outcome, Reason, Rejected

__all__ = [
    "Action",
    "Alike",
    "Article",
    "ArticleRef",
    "Candidate",
    "DateEvidence",
    "DatePrecision",
    "Decision",
    "DuplicateLink",
    "Event",
    "Evidence",
    "FieldName",
    "Headers",
    "Mention",
    "Origin",
    "Outcome",
    "PendingAlert",
    "PublicationDate",
    "PublishedVersion",
    "RawArticle",
    "Reason",
    "Rejected",
    "TextChange",
    "TopicMatch",
    "ZoneKnowledge",
]
