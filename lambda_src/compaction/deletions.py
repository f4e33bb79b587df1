"""Committed inputs that S3 does not delete: remembered, so that nothing else has to wait for them.

The manifest names each committed input that may still exist, in `deleting` or in `undeleted`; see
`compactor.py` for the steps. Here is what `undeleted` becomes with the term's next commit.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from compaction.refusals import GONE, cannot_serve_key, code_of, passes
from compaction.summary import CHANGED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.limits import Limits
    from compaction.source import Input
    from compaction.writer import Writer

log = logging.getLogger(__name__)


class Deletions:
    """Deletes committed inputs. `undeleted` are those that may still exist, with their ETags.

    An input is taken out only when S3 has confirmed that it does not exist. `codes` has the last
    error code for each.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        writer: Writer,
        limits: Limits,
        undeleted: Mapping[str, str],
    ) -> None:
        self.undeleted = dict(undeleted)
        self.codes: dict[str, str] = {}
        self._client = client
        self._bucket = bucket
        self._writer = writer
        self._limits = limits

    @property
    def full(self) -> bool:
        """Whether so many are remembered that no further batch may be committed."""
        return len(self.undeleted) >= self._limits.undeleted_inputs

    def delete(self, inputs: Sequence[Input]) -> None:
        """Delete the inputs of a batch that has been committed."""
        refused = self._writer.delete([item.key for item in inputs])
        for item in inputs:
            if item.key in refused:
                self._remember(item.key, item.etag, refused[item.key])

    def finish(self, keys: Sequence[str]) -> None:
        """Delete inputs that the manifest names in `deleting`, which does not say their ETags."""
        refused = self._writer.delete(keys)
        for key, (etag, problem) in self._heads(refused).items():
            if problem not in GONE:
                self._remember(key, etag, refused[key])

    def retry(self, before: Mapping[str, str]) -> None:
        """Try again what earlier terms could not delete, unless it has changed in the meantime.

        What stands at a key weeks after its commit might be another object, not committed yet.
        """
        unchanged: dict[str, str] = {}
        for key, (etag, problem) in self._heads(before).items():
            if problem in GONE:
                self._forget(key)
            elif problem:
                self._remember(key, before[key], problem)
            elif before[key] in {"", etag}:
                unchanged[key] = etag
            else:
                self._remember(key, before[key], CHANGED)
        self._delete(unchanged)

    def retry_passing(self) -> None:
        """Try again what this term could not delete for a reason that may have passed."""
        self._delete({key: self.undeleted[key] for key, code in self.codes.items() if passes(code)})

    def _delete(self, etags: dict[str, str]) -> None:
        refused = self._writer.delete([*etags])
        for key, etag in etags.items():
            if key in refused:
                self._remember(key, etag, refused[key])
            else:
                self._forget(key)

    def _remember(self, key: str, etag: str, code: str) -> None:
        log.warning("%s is committed, and S3 does not delete it: %s", key, code)
        self.undeleted[key] = etag
        self.codes[key] = code

    def _forget(self, key: str) -> None:
        del self.undeleted[key]
        self.codes.pop(key, None)

    def _heads(self, keys: Collection[str]) -> dict[str, tuple[str, str]]:
        """Return, for each key, the ETag of the object, or an empty one and S3's error code."""
        if not keys:
            return {}
        with ThreadPoolExecutor(self._limits.readers, thread_name_prefix="compaction-head") as pool:
            return dict(zip(keys, pool.map(self._head, keys), strict=True))

    def _head(self, key: str) -> tuple[str, str]:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=key)["ETag"], ""
        except ClientError as error:
            if not cannot_serve_key(error):
                raise
            return "", code_of(error)
