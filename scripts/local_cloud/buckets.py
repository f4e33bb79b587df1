# It stands inside the emulator, whose parts have no types and no public names.
# ruff: noqa: ANN401, SLF001
"""Adds to `AWS::S3::Bucket` what CloudFormation in ministack 1.5.33 leaves out.

Lifecycle rules: ministack creates and updates a bucket without them. This module sets them, as far
    as the project's constructs use them.
Deletion: ministack deletes a bucket with its objects. AWS refuses, and so does this module.
"""

import importlib
from collections.abc import Mapping
from typing import Any

_TYPE = "AWS::S3::Bucket"


class Buckets:
    """Handlers of `AWS::S3::Bucket`: see the module's docstring."""

    def __init__(self) -> None:
        """Look up the emulator's functions."""
        self._s3: Any = importlib.import_module("ministack.services.s3")
        provisioners = importlib.import_module("ministack.services.cloudformation.provisioners")
        self._handlers: Any = provisioners._RESOURCE_HANDLERS[_TYPE]
        self._original = dict(self._handlers)

    def install(self) -> None:
        """Replace the emulator's functions."""
        self._handlers |= {"create": self.create, "update": self.update, "delete": self.delete}

    def create(self, logical_id: str, properties: Any, stack: str) -> Any:
        """Create a bucket, with its lifecycle rules."""
        name, attributes = self._original["create"](logical_id, properties, stack)
        self._set_rules(name, properties)
        return name, attributes

    def update(self, physical_id: str, before: Any, properties: Any, stack: str) -> Any:
        """Update a bucket, with its lifecycle rules."""
        name, attributes = self._original["update"](physical_id, before, properties, stack)
        self._set_rules(name, properties)
        return name, attributes

    def delete(self, physical_id: str, properties: Any) -> None:
        """Delete a bucket, if nothing is in it."""
        bucket = self._s3._buckets.get(physical_id)
        if bucket and (bucket["objects"] or self._s3._bucket_has_versions(physical_id)):
            raise ValueError(f"bucket {physical_id} is not empty")
        self._original["delete"](physical_id, properties)

    def _set_rules(self, bucket: str, properties: Mapping[str, Any]) -> None:
        rules = properties.get("LifecycleConfiguration", {}).get("Rules", [])
        if rules:
            self._s3._bucket_lifecycle[bucket] = [_as_s3_has_it(rule) for rule in rules]
        else:
            self._s3._bucket_lifecycle.pop(bucket, None)


def _as_s3_has_it(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template's rule as the emulator's S3 keeps one; numbers may be texts there."""
    kept: dict[str, Any] = {"ID": rule.get("Id", ""), "Status": rule["Status"]}
    kept["Filter"] = {"And": {"Prefix": rule.get("Prefix", ""), "Tags": rule.get("TagFilters", [])}}
    if "ExpirationInDays" in rule:
        kept["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "NoncurrentVersionExpiration" in rule:
        days = int(rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
        kept["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if "AbortIncompleteMultipartUpload" in rule:
        days = int(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        kept["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return kept
