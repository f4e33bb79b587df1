"""Writes that the resource itself refuses to stale leaders, by the fencing token of the term.

What is **not** guaranteed, first. A resource refuses a stale leader only once a later term has
written to it, so a new leader claims it before it relies on what it reads. A writer that goes past
these modules is not refused (PostgreSQL's trigger excepted), and removes the protection.

- `FencedObject`, here: one JSON object on S3. `create_until_known` creates what it names.
- `s3leader.fencing.fenced_bytes`: content of any type, up to 5 GiB.
- `s3leader.fencing.dynamodb`: items of DynamoDB that carry the token, and a row for those that
  do not.
- `s3leader.fencing.sql`: transactions of PostgreSQL, MySQL, MariaDB and SQLite.
- `s3leader.fencing.http`: requests to WSGI and ASGI applications.

docs/fencing.md shows what goes wrong without a fence.
"""

from .fenced_object import FencedObject, Snapshot, create_until_known

__all__ = ["FencedObject", "Snapshot", "create_until_known"]
