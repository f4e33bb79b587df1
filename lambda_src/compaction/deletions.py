"""Delete committed inputs, and remember those that S3 does not delete.

The manifest names each committed input that may still exist, in `deleting` or in `undeleted`; see
`compactor.py` for the steps. This module computes the `undeleted` that the next commit writes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from compaction.s3_errors import GONE, cannot_serve_key, code_of, is_transient
from compaction.summary import CHANGED

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.limits import Limits
    from compaction.source import Input
    from compaction.writer import Writer

log = logging.getLogger(__name__)


class Deletions:
    """Deletes committed inputs. `undeleted` are those that may still exist, with their ETags.

    An input is removed only after S3 has confirmed its deletion, or says that it does not exist.
    `codes` maps each input that this term tried to delete in vain to its last error code.
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
    def at_limit(self) -> bool:
        """Whether too many inputs are remembered for another batch to be committed."""
        return len(self.undeleted) >= self._limits.undeleted_inputs

    def delete(self, inputs: Sequence[Input]) -> None:
        """Delete the inputs of a batch that has been committed."""
        refused = self._writer.delete([item.key for item in inputs])
        for item in inputs:
            if item.key in refused:
                self._remember(item.key, item.etag, refused[item.key])

    def finish(self, keys: Sequence[str]) -> None:
        """Delete inputs that the manifest names in `deleting`, which has no ETags.

        HEAD shows whether an input still exists; the error code kept is that of its deletion.
        """
        refused = self._writer.delete(keys)
        for key, (etag, head_error) in self._heads(refused).items():
            if head_error not in GONE:
                self._remember(key, etag, refused[key])

    def retry(self, before: Mapping[str, str]) -> None:
        """Retry deletions that failed before, skipping objects that have changed since.

        The key may since hold another object, which is not committed. If the ETag is unknown (""),
        the object is assumed to be the committed one: names are not used twice.
        """
        unchanged: dict[str, str] = {}
        for key, (etag, head_error) in self._heads(before).items():
            if head_error in GONE:
                self._forget(key)
            elif head_error:
                self._remember(key, before[key], head_error)
            elif before[key] in {"", etag}:
                unchanged[key] = etag
            else:
                self._remember(key, before[key], CHANGED)
        # There is no condition on these deletions: the ETags have just been compared.
        refused = self._writer.delete([*unchanged])
        for key, etag in unchanged.items():
            if key in refused:
                self._remember(key, etag, refused[key])
            else:
                self._forget(key)

    def retry_transient(self) -> None:
        """Retry deletions that failed in this term for a transient reason."""
        self.retry(
            {key: self.undeleted[key] for key, code in self.codes.items() if is_transient(code)}
        )

    def _remember(self, key: str, etag: str, code: str) -> None:
        log.warning("committed input %s could not be deleted: %s", key, code)
        self.undeleted[key] = etag
        self.codes[key] = code

    def _forget(self, key: str) -> None:
        del self.undeleted[key]
        self.codes.pop(key, None)

    def _heads(self, keys: Collection[str]) -> dict[str, tuple[str, str]]:
        """Map each key to its object's ETag and "", or to "" and S3's error code."""
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
