"""Deduplication as pure rules: identity, fingerprints, similarity, originals, stories. No clock, no database."""

from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, Similarity, compare, relate

__all__ = ["DEFAULT_RULE", "Fingerprint", "Relation", "Rule", "Similarity", "compare", "fingerprint", "relate"]
