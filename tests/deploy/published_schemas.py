"""Holds a resource to its published schema, as the API server would, and to members it knows, as kubectl's
strict validation would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema
import kubernetes_validate

from tests.deploy.deploy_tools import definitions

KUBERNETES = ("1.29", "1.33", "1.37")
"""From the oldest that Strimzi and Flink's operator of these versions run on to the newest that is published."""

_schemas: dict[tuple[str, str], dict[str, Any]] = {}


def check_resource(resource: Mapping[str, Any]) -> None:
    """Raises `AssertionError` that names the resource and the place of what its schema does not allow."""
    where = f"{resource.get('kind')}/{resource.get('metadata', {}).get('name')}"
    try:
        if "." in resource["apiVersion"] and not resource["apiVersion"].partition("/")[0].endswith(".k8s.io"):
            check_custom(resource)
            return
        for version in KUBERNETES:
            kubernetes_validate.validate(dict(resource), version, strict=True)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{where} at {error.json_path}: {error.message[:500]}") from error


def check_custom(resource: Mapping[str, Any]) -> None:
    """Against the CustomResourceDefinition of its kind; `jsonschema.ValidationError`, KeyError for an unknown kind."""
    version = resource["apiVersion"].partition("/")[2]
    key = (resource["kind"], version)
    if key not in _schemas:
        definition = definitions()[resource["kind"]]
        assert definition["spec"]["group"] == resource["apiVersion"].partition("/")[0]
        (served,) = [each for each in definition["spec"]["versions"] if each["name"] == version and each["served"]]
        schema = _strict(served["schema"]["openAPIV3Schema"])
        # Kubernetes itself sees to these, whether a definition names them or not.
        schema["properties"] |= {
            "apiVersion": {"type": "string"},
            "kind": {"const": definition["spec"]["names"]["kind"]},
        }
        _schemas[key] = schema | {"properties": {"metadata": {"type": "object"}} | schema["properties"]}
    jsonschema.Draft202012Validator(_schemas[key]).validate(dict(resource))


def _strict(schema: Any) -> Any:
    """The same, refusing members that are not named, where the definition does not say that it keeps them."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(value) for key, value in schema.items()}
    properties = schema.get("properties")
    if isinstance(properties, dict) and not isinstance(properties.get("type"), str):
        loose = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
        if not loose:
            made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
        made["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return made
