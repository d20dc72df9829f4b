"""Raw article in, clean article or a reason out. Pure."""

from newsflow.model.url import canonicalise_url
from newsflow.normalise.article import content_hash, normalise
from newsflow.normalise.dates import parse_date
from newsflow.normalise.html import extract_html
from newsflow.normalise.language import detect_language
from newsflow.normalise.profiles import load_profiles
from newsflow.normalise.text import clean_text
from newsflow.normalise.values import Dropped, Extracted, Selectors, SourceProfile

__all__ = [
    "Dropped",
    "Extracted",
    "Selectors",
    "SourceProfile",
    "canonicalise_url",
    "clean_text",
    "content_hash",
    "detect_language",
    "extract_html",
    "load_profiles",
    "normalise",
    "parse_date",
]
