"""The run of one term: many small objects in, few large parts out, each line exactly once.

**Not guaranteed.** A producer that writes a name again after it has been compacted, even with the
same bytes, has its lines compacted again: names must be unique, and an upload must not be repeated
minutes later under the same name. The order of lines is kept within an object, not between objects.
A reader that uses the listing instead of the manifest sees files that do not count.

**The protocol.** Readers see what `compacted/manifest.json` names, and nothing else. A term with
number T takes these steps, in this order. Each write is preceded by `ensure_held()`.

- CLAIM: stamp T on the manifest. From now on every lower term's commit is refused, and the manifest
  as read here holds all that lower terms ever committed.
- FINISH: delete the inputs of the last commit, which the manifest names in `deleting`.
- RETRY: of the inputs in `undeleted`, delete those that still have the ETag they had when they were
  committed. One that has changed is left as it is: it might hold lines that nobody has compacted.
- SWEEP: delete files of lower terms' batches that the manifest does not name. Because of CLAIM they
  can never be committed.
- Then list the inputs, once round, so that no key comes up twice. Skip every key that the manifest
  named in `deleting` or `undeleted` at CLAIM. For each batch of the others:
  - READ: read objects and sort their lines. This changes nothing.
  - KEEP: copy each input that has to be kept whole, under a key with the batch's own name (term,
    count, nonce). An input that S3 refuses to copy does not enter the batch.
  - UPLOAD: put the part, the records of rejected lines and, now and then, a segment of the
    manifest, under such keys, too.
  - COMMIT: with one compare-and-swap, add the part and the records to the manifest, set `deleting`
    to the batch's inputs, and set `undeleted` to the inputs of all earlier batches whose deletion
    S3 has not confirmed.
  - DELETE: delete the batch's inputs. One that S3 refuses to delete is remembered until the next
    write of the manifest. If `Limits.undeleted_inputs` are remembered, there is no further batch.
  - SAVE: save the progress in the lock.
- CLEAR: try the deletions again that failed for a reason that may have passed. Then, if it changes
  anything, write the manifest with `deleting` empty and with `undeleted` as it is now. If there was
  not the time for everything, save where the next term begins: after the last input that this one
  reached, so that no input waits for ever behind others.
- REPORT: raise `InputsWithheld` if S3 did not serve some inputs (they are neither rejected nor
  deleted), or if `undeleted` is not empty. So the term fails, and an alarm can be raised.

**The invariant** behind "exactly once": from its COMMIT until S3 has confirmed its deletion, every
input is named in `deleting` or `undeleted`. COMMIT and CLEAR are the only writes that take a name
out, and each takes out only names whose deletion S3 has confirmed. S3's LIST, GET and HEAD show a
confirmed deletion at once, and names never come back, so such a name need not be remembered.

**Crashes**, before or after the write, answer heard or lost, or heard twice because an intermediary
sent the request twice:

| step | what the crash leaves | what the next term does |
|---|---|---|
| CLAIM | the manifest, with the same content for readers | its own CLAIM |
| FINISH | `deleting` as it was | FINISH again: deleting twice is harmless |
| RETRY | `undeleted` as it was | RETRY again: keys that are gone are forgotten |
| SWEEP | some orphans; `swept` has not moved | SWEEP again |
| READ | nothing | compacts the inputs |
| KEEP, UPLOAD | files that the manifest does not name; all inputs | sweeps, compacts the inputs |
| COMMIT, not applied | the same | the same |
| COMMIT, applied | `deleting` names the inputs, `undeleted` the earlier ones | FINISH, RETRY |
| COMMIT, under way | a race of it and the next CLAIM for one ETag: one wins | either row above |
| DELETE | `deleting` names all inputs of the batch, refused ones too | FINISH, remembers those |
| SAVE | progress that is a batch behind; nothing depends on it | begins elsewhere in the listing |
| CLEAR, not applied | `deleting` and `undeleted` name keys that are gone | FINISH, RETRY |
| CLEAR, applied | progress that was not saved | begins elsewhere in the listing |

**A stale leader** that continues after its successor's CLAIM. Its KEEP and UPLOAD make orphans. Its
COMMIT and CLEAR are refused (`StaleToken`), and it stops. Its DELETE deletes only what its own
successful COMMIT named. Its FINISH, RETRY and SWEEP delete what was committed, or impossible to
commit, at its CLAIM; both stay so for ever. What it forgets or remembers of `undeleted` it cannot
write. Inputs that it lists and that are gone when it reads them are skipped. An orphan that lands
later than `Limits.sweep_again` terms after its own stays, but no reader sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from compaction.batch import Batch
from compaction.clients import data_client
from compaction.deletions import Deletions
from compaction.layout import Layout
from compaction.limits import Limits
from compaction.lines import Content
from compaction.manifest import Manifest
from compaction.orphans import orphans
from compaction.s3_errors import GONE
from compaction.source import Input, OutOfTime, Source, listed
from compaction.summary import InputsWithheld, Summary
from compaction.uploads import Uploads
from compaction.writer import Writer
from s3leader._io.driver import Driver
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.source import Withheld
    from s3leader import Term

log = logging.getLogger(__name__)


def compact(
    term: Term,
    bucket: str,
    *,
    client: S3Client | None = None,
    manifest: FencedObject | None = None,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    driver: Callable[..., Driver] = Driver,
) -> Summary:
    """Compact what there is in `bucket` while `term` is held, once through, and say what was done.

    `client` is a boto3 S3 client for everything but the manifest, and may retry by itself;
    `manifest` the fenced object at `compacted/manifest.json`, by default through a client of its
    own. All terms that ever compact this bucket must be of one election. Once `should_stop`
    returns true no more is read; what has been read is committed, which takes a few seconds.
    Keeping the lease alive is the caller's part (`term.keep_renewing()`).

    Raises:
        LeadershipLost, StaleToken: another leads; it finishes what this term began.
        CorruptManifest, KeyTaken: see there.
        InputsWithheld: S3 did not serve or did not delete some inputs; the others are compacted.
    """
    layout = Layout(bucket=bucket)
    run = _Run(
        term=term,
        client=data_client() if client is None else client,
        layout=layout,
        manifest=FencedObject(layout.manifest, bucket=bucket) if manifest is None else manifest,
        limits=Limits() if limits is None else limits,
        should_stop=should_stop,
        driver=driver,
    )
    return run.all_steps()


class _Run:
    def __init__(
        self,
        *,
        term: Term,
        client: S3Client,
        layout: Layout,
        manifest: FencedObject,
        limits: Limits,
        should_stop: Callable[[], bool],
        driver: Callable[..., Driver],
    ) -> None:
        self._term = term
        self._client = client
        self._layout = layout
        self._limits = limits
        self._should_stop = should_stop
        self._source = Source(client, layout, limits, should_stop)
        self._writer = Writer(client, layout.bucket, term, driver=driver)
        self._uploads = Uploads(self._writer, layout)
        self._summary = Summary(term=term.number)
        self._carried: tuple[Input, Content] | None = None
        begin = term.state.get("resume_after")
        self._reached = begin if isinstance(begin, str) else ""
        self._document = manifest
        term.ensure_held()
        self._snapshot = manifest.claim(term.number)
        self._manifest = Manifest.parsed(self._snapshot.value)
        self._deletions = Deletions(
            client, layout.bucket, self._writer, limits, self._manifest.undeleted
        )

    def all_steps(self) -> Summary:
        done = frozenset((*self._manifest.deleting, *self._manifest.undeleted))
        self._finish_deletions()
        self._sweep()
        self._compact(done)
        self._clear()
        log.info("compaction is through", extra=self._summary.as_dict())
        if self._summary.withheld or self._summary.undeleted:
            raise InputsWithheld(self._summary)
        return self._summary

    def _finish_deletions(self) -> None:
        """Take the steps FINISH and RETRY."""
        named = len(self._manifest.deleting) + len(self._manifest.undeleted)
        self._deletions.finish(self._manifest.deleting)
        self._deletions.retry(self._manifest.undeleted)
        self._summary.finished_deletions = named - len(self._deletions.undeleted)

    def _sweep(self) -> None:
        number = self._term.number
        refused: dict[str, str] = {}
        since = max(1, self._manifest.swept - self._limits.sweep_again + 1)
        found = orphans(self._client, self._layout, self._manifest, since=since, before=number)
        while some := list(islice(found, 1000)):
            errors = self._writer.delete(some)
            self._summary.orphans += len(some) - len(errors)
            refused |= errors
        if refused:  # no reader sees them, so the job need not stop for them
            key, code = next(iter(refused.items()))
            log.warning("%d orphans are left, %s the first: %s", len(refused), key, code)
        else:
            self._manifest = replace(self._manifest, swept=number - 1)

    def _clear(self) -> None:
        if self._deletions.at_limit:
            log.error("no further batch: too many committed inputs are not deleted")
            self._summary.stopped_early = True
        undeleted_before = dict(self._deletions.undeleted)
        self._deletions.retry_transient()
        undeleted = dict(self._deletions.undeleted)
        if self._manifest.deleting or self._manifest.undeleted != undeleted:
            self._write(replace(self._manifest, deleting=(), undeleted=undeleted))
        if self._summary.stopped_early or self._summary.withheld or undeleted_before:
            self._save()

    def _compact(self, done: frozenset[str]) -> None:
        with closing(self._source.contents(self._inputs(done))) as contents:
            more = True
            try:
                while more and not self._deletions.at_limit:
                    with Batch(self._layout, self._term.number, self._summary.batches + 1) as batch:
                        more = self._fill(batch, contents)
                        if batch.inputs:
                            self._commit(batch)
            finally:
                if self._carried:
                    self._carried[1].close()

    def _inputs(self, done: frozenset[str]) -> Iterator[Input]:
        everything = listed(self._client, self._layout, after=self._reached)
        return (item for item in everything if item.key not in done)

    def _fill(
        self, batch: Batch, contents: Iterator[tuple[Input, Content | Withheld | None]]
    ) -> bool:
        """Fill the batch; True if it is full, False if there is no more or it is time to stop."""
        while not self._should_stop():
            try:
                found = self._carried or next(contents, None)
            except OutOfTime as problem:
                log.warning("%s is large, and was not read in the time there was", problem.key)
                self._reached = problem.key
                break
            self._carried = None
            if found is None:
                return False
            item, content = found
            if isinstance(content, Content):
                if not batch.has_room_for(content, self._limits):
                    self._carried = item, content
                    return True
                self._take(batch, item, content)
            else:
                self._summary.pass_over(item.key, content.code if content else None)
            self._reached = item.key
        self._summary.stopped_early = True
        return False

    def _take(self, batch: Batch, item: Input, content: Content) -> None:
        """Add an object to the batch; keep it whole before that, if it must be kept."""
        with closing(content):
            key = batch.key_to_keep(item) if content.keep else None
            if key is not None and (code := self._writer.keep(item, key)) is not None:
                self._summary.pass_over(item.key, None if code in GONE else code)
                return
            if content.whole is not None:
                log.warning("%s is rejected as a whole: %s", item.key, content.whole)
            batch.add(item, content, kept=key)

    def _commit(self, batch: Batch) -> None:
        part, rejected = self._uploads.part(batch), self._uploads.rejects(batch)
        manifest = self._manifest
        if (part or rejected) and manifest.entries() >= self._limits.manifest_parts:
            manifest = self._uploads.segment(manifest, batch)
        self._write(
            manifest.committing(
                part=part,
                rejected=rejected,
                inputs=tuple(item.key for item in batch.inputs),
                undeleted=dict(self._deletions.undeleted),
                size=batch.size,
            )
        )
        self._summary.count(batch, part, rejected)
        self._deletions.delete(batch.inputs)
        self._save()

    def _save(self) -> None:
        """Leave the progress in the lock; `resume_after` is empty if everything was seen."""
        self._summary.leave_undeleted(self._deletions.codes)
        progress = self._summary.as_dict()
        resume = self._reached if self._summary.stopped_early else ""
        self._term.save({**progress, "totals": self._manifest.totals, "resume_after": resume})

    def _write(self, manifest: Manifest) -> None:
        self._term.ensure_held()
        self._snapshot = self._document.write(
            manifest.value(), token=self._term.number, after=self._snapshot
        )
        self._manifest = manifest
