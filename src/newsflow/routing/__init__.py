"""Who gets what: routes, subscriptions. Pure, but for reading files of routes."""

from newsflow.routing.load import load_routes
from newsflow.routing.routes import Routes, encode_debug, routed_to_json
from newsflow.routing.values import Match, Route, Routed, Subscription, Verdict, article_meets, describe

__all__ = [
    "Match",
    "Route",
    "Routed",
    "Routes",
    "Subscription",
    "Verdict",
    "article_meets",
    "describe",
    "encode_debug",
    "load_routes",
    "routed_to_json",
]
