"""Reading hostile pages in processes of their own, within limits of time and memory that the system enforces."""

from newsflow.sandbox.normaliser import Normaliser, NormaliseTask, SandboxLimits

__all__ = ["NormaliseTask", "Normaliser", "SandboxLimits"]
