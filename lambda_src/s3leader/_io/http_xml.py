"""Parse S3's XML into boto3's form: a page of keys, and an error. No I/O.

The sender may be anybody between here and S3. A document type is refused unread, and with it each
entity that could be declared; expat limits the rest. `http_client` limits the size.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

_BOOLEANS: Final = {"true": True, "false": False}


def parse(body: bytes) -> ET.Element:
    """Return the root of a document; raise ValueError unless it is XML without a document type."""
    if b"<!DOCTYPE" in body or b"\0" in body:  # a zero byte: UTF-16, which could hide the former
        raise ValueError("expected XML without a document type")
    try:
        return ET.fromstring(body)  # noqa: S314 - see the module's docstring
    except ET.ParseError as wrong:
        raise ValueError(f"expected XML, got {body[:40]!r}: {wrong}") from wrong


def page(root: ET.Element) -> dict[str, Any]:
    """Return the page that ListObjectsV2 answered, without what the answer omits."""
    space, bracket, _ = root.tag.rpartition("}")
    space += bracket
    found: dict[str, Any] = {}
    if (count := root.findtext(f"{space}KeyCount")) is not None:
        found["KeyCount"] = int(count)
    if (truncated := root.findtext(f"{space}IsTruncated")) is not None:
        found["IsTruncated"] = _BOOLEANS[truncated.strip().lower()]
    if (token := root.findtext(f"{space}NextContinuationToken")) is not None:
        found["NextContinuationToken"] = token
    keys = [item.findtext(f"{space}Key") or "" for item in root.iterfind(f"{space}Contents")]
    if root.findtext(f"{space}EncodingType") == "url":
        keys = [unquote_plus(key) for key in keys]
    found["Contents"] = [{"Key": key} for key in keys]
    return found


def error(root: ET.Element) -> dict[str, str]:
    """Return the fields of an <Error>, such as `Code`, `Message` and `Region`; else none."""
    return {_name(field): field.text or "" for field in root} if _name(root) == "Error" else {}


def tagging(tags: list[dict[str, str]]) -> bytes:
    """Return the body of PutObjectTagging."""
    root = ET.Element("Tagging", xmlns="http://s3.amazonaws.com/doc/2006-03-01/")
    group = ET.SubElement(root, "TagSet")
    for tag in tags:
        item = ET.SubElement(group, "Tag")
        for name in ("Key", "Value"):
            ET.SubElement(item, name).text = tag[name]
    return ET.tostring(root)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
