"""Stories: which reports, in whatever language, tell of one happening. Pure: no clock, no database."""

from newsflow.stories.retold import find_retold
from newsflow.stories.rule import DEFAULT_STORY_RULE, Likeness, StoryRule
from newsflow.stories.signals import Signals, read_signals
from newsflow.stories.state import Report, Settled, Stories
from newsflow.stories.story import Member, Story
from newsflow.stories.vectors import Gist, encode, gist, is_encoded

__all__ = [
    "DEFAULT_STORY_RULE", "Gist", "Likeness", "Member", "Report", "Settled", "Signals", "Stories", "Story", "StoryRule",
    "encode", "find_retold", "gist", "is_encoded", "read_signals",
]  # fmt: skip
