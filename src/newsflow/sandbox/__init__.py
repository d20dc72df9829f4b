"""Work on hostile pages in a process of its own, within limits of time and memory that really hold."""

from newsflow.sandbox.normaliser import Job, Limits, Normaliser, shared_normaliser

__all__ = ["Job", "Limits", "Normaliser", "shared_normaliser"]
