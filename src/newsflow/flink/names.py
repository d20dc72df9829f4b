"""What a job is called on Flink, which tells jobs apart by ids that nobody remembers."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime


def flink_name(config_job: str, page: str) -> str:
    """What a job is called on Flink: as configured, and by its page where that is not the main one."""
    named = page in ("ingest", config_job) or config_job.endswith(f".{page}")
    return config_job if named else f"{config_job}.{page}"


def stamped(name: str) -> str:
    """A name no other start of a job has: `ingest-20261126T104500Z-1f3a`."""
    return f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:4]}"


def same_job(stamped_name: str, name: str) -> bool:
    """Tell whether `stamped` made this name from `name`."""
    return re.fullmatch(re.escape(name) + r"-\d{8}T\d{6}Z-[0-9a-f]{4}", stamped_name) is not None
