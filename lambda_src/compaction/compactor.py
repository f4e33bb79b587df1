"""One term of compaction: many small objects in, few large files out, each line exactly once.

**Not guaranteed.** A producer that writes a key again after it was compacted, even with the same
bytes, has its lines compacted again: keys must be unique, and a producer must not retry an upload
that may have been compacted already. The order of lines is kept within an object, not between
objects. A reader that lists `compacted/` instead of reading the manifest also sees files that were
not committed.

**Words.** An *input* is an object under `events/`. A *batch* is a group of inputs and the files
that are written from it: a *part* with the well-formed lines, a *reject file* with records of the
malformed ones, and copies of inputs that are rejected as a whole. Their keys carry the term and a
nonce, so no two batches write the same key. The *manifest*, `compacted/manifest.json`, names the
files of all committed batches; readers see what it names, and nothing else. It is a fenced object,
so it refuses stale leaders. It also names inputs that are committed and may still exist: `deleting`
has those of the last batch, `undeleted` has those of earlier batches that S3 refused to delete. An
*orphan* is a file of a batch that was not committed.

**Steps** of the leader of term T. It calls `ensure_held()` before each write.

- CLAIM: write T to the manifest. From here on, all commits of lower terms fail, so the manifest
  now names everything that lower terms ever committed.
- FINISH: delete the inputs in `deleting`.
- RETRY: delete the inputs in `undeleted` whose ETag has not changed. An input with another ETag is
  left as it is, and stays named: it may hold lines that are not compacted.
- SWEEP: delete the orphans of lower terms. Because of CLAIM, they can never be committed. `swept`
  in the manifest is the highest term that was swept; the last `Limits.sweep_again` terms up to it
  are swept again.
- LIST: list the inputs, without those that the manifest named in `deleting` or `undeleted` at
  CLAIM. For each batch of them:
  - READ: read the inputs and sort their lines. This changes nothing, so it runs ahead: it begins
    right after CLAIM, and goes on during the steps below, as far as `Limits.ahead_bytes` allows.
  - KEEP: copy each input that is rejected as a whole. If S3 refuses, the input stays where it is
    and is tried again in the next term.
  - UPLOAD: create the part and the reject file; once the manifest names `Limits.manifest_parts`
    files, also a segment: a file to which the older entries of the manifest are moved.
  - COMMIT: with one compare-and-swap of the manifest, add the files, set `deleting` to the inputs
    of this batch, and `undeleted` to those of earlier batches that S3 has not deleted.
  - DELETE: delete the inputs of this batch. The next COMMIT or CLEAR adds to `undeleted` those that
    S3 refuses to delete. Once `undeleted` has `Limits.undeleted_inputs` names, no batch begins.
  - SAVE: save the progress in the lock, as a checkpoint. Only fairness depends on it.
- CLEAR: retry the deletions that failed for a transient reason. Then write the manifest with an
  empty `deleting` and the present `undeleted`, if that changes it. If time ran out or S3
  withheld an input, SAVE again, with the last input reached: the next term begins after it.
- REPORT: raise `InputsWithheld` if S3 withheld some inputs, that is, did not serve or did not
  delete them. The term fails, which raises an alarm.

**Invariant.** From its COMMIT until S3 confirms its deletion, an input is named in `deleting` or
`undeleted`. Only COMMIT and CLEAR remove a name, and only after S3 confirmed the deletion. S3's
LIST, GET and HEAD show a deletion at once, and keys are unique, so the name is not needed any more.

**Crashes.** If a leader crashes in the middle of a step, or right after it:

| step | what the next leader finds | what it does |
|---|---|---|
| CLAIM | the same manifest with a higher token | CLAIM |
| FINISH | `deleting` names inputs that no longer exist | FINISH: deleting twice is harmless |
| RETRY | `undeleted` names inputs that no longer exist | RETRY; COMMIT or CLEAR drops the names |
| SWEEP | fewer orphans; `swept` is unchanged | SWEEP |
| LIST, READ | no change | compacts the inputs |
| KEEP, UPLOAD, or COMMIT (not applied) | orphans, and all inputs | SWEEP; compacts the inputs |
| COMMIT (applied) | the inputs, named in `deleting` | FINISH |
| COMMIT (in flight) | one of the two rows above; CLAIM settles which | as above |
| DELETE | `deleting` names all inputs of the batch, some of which exist | FINISH |
| CLEAR (not applied) | the manifest names inputs that no longer exist | FINISH, RETRY |
| SAVE, or CLEAR (applied) | an older checkpoint | begins at an earlier input that still exists |

The same holds if the answer to a write is lost, or if an intermediary sends a write twice.

**A stale leader** that continues after its successor's CLAIM does no harm. Its KEEP and UPLOAD make
orphans. Its COMMIT and CLEAR raise `StaleToken`, and it stops. Its DELETE deletes inputs that its
own COMMIT named. Its FINISH and RETRY delete inputs that were committed before its own CLAIM. Its
SWEEP deletes only orphans that its own CLAIM had made impossible to commit. An orphan that
is written when over `Limits.sweep_again` later terms were swept is never deleted, and never read.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from compaction import layout
from compaction.batch import Batch
from compaction.deletions import Deletions
from compaction.limits import Limits
from compaction.lines import Content
from compaction.manifest import Entry, Manifest
from compaction.orphans import delete_orphans, find_orphans
from compaction.s3_errors import GONE
from compaction.source import Contents, Input, OutOfTime, Source, list_inputs
from compaction.summary import InputsWithheld, Summary
from compaction.writer import Writer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from s3leader import Term
    from s3leader.fencing import FencedObject

log = logging.getLogger(__name__)


def compact(
    term: Term,
    bucket: str,
    *,
    client: S3Client,
    manifest: FencedObject,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Compact the inputs in `bucket`, each once, while `term` is held; return what was done.

    `client` is a boto3 S3 client for everything but the manifest, and may retry by itself.
    `manifest` is the fenced object at `compacted/manifest.json`. All terms that ever compact a
    bucket must be of one election. Once `should_stop` returns true, no more inputs are read; those
    read so far are committed, which takes a few seconds. The caller renews the lease
    (`term.keep_renewing()`).

    Raises:
        LeadershipLost, StaleToken: another leads; it finishes what this term began.
        StoreUnavailable, BucketUnusable: S3 did not answer, or refused, the write of an object or
            of the manifest. Other requests raise botocore's errors.
        CorruptManifest, KeyTaken: see those classes.
        InputsWithheld: S3 did not serve or did not delete some inputs; the others are compacted.
    """
    term.ensure_held()
    limits = Limits() if limits is None else limits
    run = _Compaction(term, bucket, client, manifest, limits=limits, should_stop=should_stop)
    return run.all_steps()


class _Compaction:
    """The steps of one term. `__init__` performs the first step, CLAIM."""

    def __init__(
        self,
        term: Term,
        bucket: str,
        client: S3Client,
        document: FencedObject,
        *,
        limits: Limits,
        should_stop: Callable[[], bool],
    ) -> None:
        self._term = term
        self._bucket = bucket
        self._client = client
        self._document = document
        self._limits = limits
        self._should_stop = should_stop
        self._source = Source(client, bucket, limits, should_stop)
        self._writer = Writer(client, bucket, term)
        self._summary = Summary(term=term.number)
        self._left_over: tuple[Input, Content] | None = None  # read, for the next batch
        begin = term.state.get("resume_after")
        self._reached = begin if isinstance(begin, str) else ""
        self._snapshot = document.claim(term.number)
        self._manifest = Manifest.parsed(self._snapshot.value)
        undeleted = self._manifest.undeleted
        self._deletions = Deletions(client, bucket, self._writer, limits, undeleted)

    def all_steps(self) -> Summary:
        committed = frozenset((*self._manifest.deleting, *self._manifest.undeleted))
        listed = self._list(committed, after=self._reached)
        with self._source.contents(listed) as contents:
            self._finish_and_retry()
            self._sweep()
            self._compact_batches(contents)
        self._clear()
        return self._report()

    def _finish_and_retry(self) -> None:
        named = len(self._manifest.deleting) + len(self._manifest.undeleted)
        self._deletions.finish(self._manifest.deleting)
        self._deletions.retry(self._manifest.undeleted)
        self._summary.finished_deletions = named - len(self._deletions.undeleted)

    def _sweep(self) -> None:
        number = self._term.number
        since = max(1, self._manifest.swept - self._limits.sweep_again + 1)
        found = find_orphans(self._client, self._bucket, self._manifest, since=since, before=number)
        self._summary.orphans, refused = delete_orphans(self._writer, found)
        if not refused:
            self._manifest = replace(self._manifest, swept=number - 1)

    def _compact_batches(self, contents: Contents) -> None:
        more = True
        try:
            while more and not self._deletions.at_limit:
                with closing(Batch(self._term.number, self._summary.batches + 1)) as batch:
                    more = self._read(batch, contents)
                    if batch.inputs:
                        part, rejects = self._upload(batch)
                        self._commit(batch, part, rejects)
                        self._deletions.delete(batch.inputs)
                        self._save()
        finally:
            if self._left_over:
                self._left_over[1].close()

    def _list(self, committed: frozenset[str], *, after: str) -> Generator[Input, None, None]:
        with closing(list_inputs(self._client, self._bucket, after=after)) as inputs:
            yield from (item for item in inputs if item.key not in committed)

    def _read(self, batch: Batch, contents: Contents) -> bool:
        """Fill the batch; return False if no inputs are left or it is time to stop."""
        while not self._should_stop():
            try:
                found = self._left_over or next(contents, None)
            except OutOfTime as problem:
                log.warning("%s is large; there was not enough time to read it", problem.key)
                self._reached = problem.key  # the next term begins after it: it blocks no others
                break
            self._left_over = None
            if found is None:
                return False
            item, content = found
            if isinstance(content, Content):
                if not batch.has_room_for(content, self._limits):
                    self._left_over = item, content
                    return True
                self._add(batch, item, content)
            else:
                self._summary.pass_over(item.key, content.code if content else None)
            self._reached = item.key
        self._summary.stopped_early = True
        return False

    def _add(self, batch: Batch, item: Input, content: Content) -> None:
        """Add an input to the batch; KEEP it first if it is rejected as a whole."""
        with closing(content):
            key = batch.key_to_keep(item) if content.keep else None
            if key is not None and (code := self._writer.keep(item, key)) is not None:
                self._summary.pass_over(item.key, None if code in GONE else code)
                return
            if content.rejected_because is not None:
                log.warning("%s is rejected as a whole: %s", item.key, content.rejected_because)
            batch.add(item, content, kept=key)

    def _upload(self, batch: Batch) -> tuple[Entry | None, Entry | None]:
        part = self._writer.upload(layout.part(batch.name), batch.good)
        rejects = self._writer.upload(layout.rejects(batch.name), batch.bad)
        if (part or rejects) and self._manifest.entries() >= self._limits.manifest_parts:
            key = layout.segment(batch.name)
            body = json.dumps(self._manifest.segment(), separators=(",", ":")).encode()
            digest = sha256(body).hexdigest()
            self._writer.create(
                key, io.BytesIO(body), sha256=digest, content_type="application/json"
            )
            self._manifest = replace(self._manifest, parts=(), rejected=(), earlier=key)
        return part, rejects

    def _commit(self, batch: Batch, part: Entry | None, rejects: Entry | None) -> None:
        self._write_manifest(
            self._manifest.committing(
                part=part,
                rejected=rejects,
                inputs=tuple(item.key for item in batch.inputs),
                undeleted=dict(self._deletions.undeleted),
                size=batch.size,
            )
        )
        self._summary.count(batch, part, rejects)

    def _save(self) -> None:
        self._summary.record_undeleted(self._deletions.codes)
        resume = self._reached if self._summary.stopped_early else ""  # "": every input was reached
        progress = {**self._summary.as_dict(), "totals": self._manifest.totals}
        self._term.save({**progress, "resume_after": resume})

    def _clear(self) -> None:
        if self._deletions.at_limit:
            log.error("no further batch: too many committed inputs are not deleted")
            self._summary.stopped_early = True
        undeleted_before = dict(self._deletions.undeleted)
        self._deletions.retry_transient()
        undeleted = dict(self._deletions.undeleted)
        if self._manifest.deleting or self._manifest.undeleted != undeleted:
            self._write_manifest(replace(self._manifest, deleting=(), undeleted=undeleted))
        if self._summary.stopped_early or self._summary.withheld or undeleted_before:
            self._save()

    def _report(self) -> Summary:
        log.info("compaction has ended", extra=self._summary.as_dict())
        if self._summary.withheld or self._summary.undeleted:
            raise InputsWithheld(self._summary)
        return self._summary

    def _write_manifest(self, manifest: Manifest) -> None:
        self._term.ensure_held()
        self._snapshot = self._document.write(
            manifest.value(), token=self._term.number, after=self._snapshot
        )
        self._manifest = manifest
