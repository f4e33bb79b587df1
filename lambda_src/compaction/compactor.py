"""The run of one term: many small objects in, few large parts out, each line exactly once.

**Not guaranteed.** A producer that writes a name again after it has been compacted, be it the same
bytes once more, has its lines compacted again: names must be unique, and an upload must not be
repeated minutes later under the same name. The order of lines is kept within an object, not
between objects. A reader that goes by the listing instead of the manifest sees what does not count.

**The protocol.** `compacted/manifest.json` is the only truth. A term with number T does, in order:

 1. claim: stamp T on the manifest. From here on every lower term's commit is refused, and what is
    read now holds all that they ever committed.
 2. finish: delete the inputs that the last commit names in `deleting`. Only then list inputs.
 3. sweep: delete files of lower terms' batches that the manifest does not name. By 1 they never
    can be committed.
 4. for each batch, over one listing that goes once round, so that no key comes up twice:
    a. read and sort the lines; changes nothing
    b. put the part, the rejected records, whole inputs that must be kept: all under keys with the
       batch's own name (term, count, nonce), invisible until
    c. commit: one compare-and-swap that adds the part and the rejected records to the manifest,
       and replaces `deleting` by the batch's inputs
    d. delete these inputs
    e. save the progress in the lock
 5. clear `deleting`. If there was not the time for everything, save where the next term begins:
    after the last input this one got to, so that none waits for ever behind others.
 6. fail, if there are inputs that S3 did not hand out (archived, denied): they were passed over,
    neither rejected nor deleted, and somebody must hear of it.

Each write is preceded by `ensure_held()`.

**Crashes.** Whatever the write, before it or after it, answer heard or lost:

- in 1 or 5: the manifest says the same to readers before and after.
- in 2, or d: the manifest names the inputs, so the next term deletes the rest of them before it
  lists. No term compacts a key that `deleting` names, listed or not. Deleting twice is harmless,
  because names never come back.
- in 3: the rest is swept by the next term, as `swept` has not moved.
- in b: the inputs are untouched and the manifest does not name the batch. The next term compacts
  the inputs anew, under other names, and sweeps the orphans.
- in c: either it was applied, and all is as after c, or it was not, and all is as in b. If it is
  still under way, the next term's claim decides: the two meet on one ETag.
- in e: the progress shown is a batch behind. Nothing depends on it.

**A paused leader that goes on after its successor's claim.** Its b makes orphans. Its c is refused
(`StaleToken`), and it stops. Its d deletes only what its own successful commit names. Its 2 and 3
delete what was committed, or impossible to commit, when it claimed; both stay so for ever. Inputs
that it lists and that are gone when it reads them are skipped, and it can commit nothing anyway.
An orphan that lands later than `Limits.sweep_again` terms after its own stays, as dead weight only.

`deleting` needs no memory of keys further back: a commit replaces it only after S3 has confirmed
each of its deletions, and S3's LIST and GET show a confirmed deletion at once.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Final

from compaction.batch import Batch, Packed
from compaction.clients import data_client
from compaction.limits import Limits
from compaction.manifest import Entry, Manifest
from compaction.orphans import orphans
from compaction.places import Places
from compaction.source import Input, OutOfTime, Source, Withheld, listed
from compaction.summary import InputsWithheld, Summary
from compaction.writer import NotDeleted, Writer
from s3leader.fencing import FencedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from compaction.lines import Content
    from s3leader import Term

log = logging.getLogger(__name__)

_GZIP: Final = "application/gzip"
_JSON: Final = "application/json"


def compact(
    term: Term,
    bucket: str,
    *,
    client: S3Client | None = None,
    manifest: FencedObject | None = None,
    limits: Limits | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Summary:
    """Compact what there is in `bucket` while `term` is held, once through, and say what was done.

    `client` is a boto3 S3 client for everything but the manifest, and may retry by itself;
    `manifest` the fenced object at `compacted/manifest.json`, by default through a client of its
    own. All terms that ever compact this bucket must be of one election. Once `should_stop`
    returns true no more is read; what has been read is committed, which takes a few seconds.
    Keeping the lease alive is the caller's part (`term.keep_renewing()`).

    Raises:
        LeadershipLost, StaleToken: another leads; it finishes what this term began.
        CorruptManifest, KeyTaken, NotDeleted: see there.
        InputsWithheld: some inputs could not be had; all the others were seen to before.
    """
    places = Places(bucket=bucket)
    run = _Run(
        term=term,
        client=data_client() if client is None else client,
        places=places,
        manifest=FencedObject(places.manifest, bucket=bucket) if manifest is None else manifest,
        limits=Limits() if limits is None else limits,
        should_stop=should_stop,
    )
    return run.all_steps()


class _Run:
    def __init__(
        self,
        *,
        term: Term,
        client: S3Client,
        places: Places,
        manifest: FencedObject,
        limits: Limits,
        should_stop: Callable[[], bool],
    ) -> None:
        self._term = term
        self._client = client
        self._places = places
        self._limits = limits
        self._should_stop = should_stop
        self._source = Source(client, places, limits, should_stop)
        self._writer = Writer(client, places.bucket, term)
        self._summary = Summary(term=term.number)
        self._carried: tuple[Input, Content] | None = None
        begin = term.state.get("resume_after")
        self._reached = begin if isinstance(begin, str) else ""
        self._document = manifest
        term.ensure_held()
        self._snapshot = manifest.claim(term.number)
        self._manifest = Manifest.parsed(self._snapshot.value)

    def all_steps(self) -> Summary:
        done = self._manifest.deleting
        self._writer.delete(done)
        self._summary.finished_deletions = len(done)
        self._sweep()
        self._compact(frozenset(done))
        if self._manifest.deleting:
            self._write(replace(self._manifest, deleting=()))
        if self._summary.stopped_early or self._summary.withheld:
            self._save()
        log.info("compaction is through", extra=self._summary.as_dict())
        if self._summary.withheld:
            raise InputsWithheld(self._summary)
        return self._summary

    def _sweep(self) -> None:
        number = self._term.number
        since = max(1, self._manifest.swept - self._limits.sweep_again + 1)
        found = orphans(self._client, self._places, self._manifest, since=since, before=number)
        try:
            while some := list(islice(found, 1000)):
                self._writer.delete(some)
                self._summary.orphans += len(some)
        except NotDeleted as error:  # dead weight, which need not keep the job from its work
            log.warning("orphans are left: %s", error)
            return
        self._manifest = replace(self._manifest, swept=number - 1)

    def _compact(self, done: frozenset[str]) -> None:
        with closing(self._source.contents(self._inputs(done))) as contents:
            more = True
            try:
                while more:
                    with Batch(self._places, self._term.number, self._summary.batches + 1) as batch:
                        more = self._fill(batch, contents)
                        if batch.inputs:
                            self._commit(batch)
            finally:
                if self._carried:
                    self._carried[1].close()

    def _inputs(self, done: frozenset[str]) -> Iterator[Input]:
        everything = listed(self._client, self._places, after=self._reached)
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
            if content is None:
                log.warning("%s was listed, and is gone or has changed", item.key)
                self._summary.gone += 1
            elif isinstance(content, Withheld):
                log.warning("S3 does not hand out %s: %s", item.key, content.code)
                self._summary.withhold(item.key, content.code)
                self._reached = item.key
            elif batch.has_room_for(content, self._limits):
                batch.add(item, content)
                self._reached = item.key
            else:
                self._carried = item, content
                return True
        self._summary.stopped_early = True
        return False

    def _commit(self, batch: Batch) -> None:
        part = self._put(self._places.part(batch.name), batch.good, batch)
        rejected = self._put(self._places.rejects(batch.name), batch.bad, batch)
        for item, key in batch.kept:
            self._writer.keep(item, key)
        manifest = self._manifest
        if (part or rejected) and manifest.entries() >= self._limits.manifest_parts:
            manifest = self._move_to_segment(manifest, batch)
        inputs = tuple(item.key for item in batch.inputs)
        self._write(
            manifest.committing(part=part, rejected=rejected, inputs=inputs, size=batch.size)
        )
        self._count(batch, part, rejected)
        self._writer.delete(inputs)
        self._save()

    def _save(self) -> None:
        """Leave the progress in the lock; `resume_after` is empty if everything was seen."""
        progress = self._summary.as_dict()
        resume = self._reached if self._summary.stopped_early else ""
        self._term.save({**progress, "totals": self._manifest.totals, "resume_after": resume})

    def _put(self, key: str, packed: Packed, batch: Batch) -> Entry | None:
        if not packed.lines:
            return None
        size, digest = packed.finished()
        self._writer.create(key, packed.file, sha256=digest, content_type=_GZIP)
        self._summary.bytes_out += size
        return {
            "key": key,
            "term": batch.term,
            "lines": packed.lines,
            "bytes": packed.bytes,
            "size": size,
            "sha256": digest,
        }

    def _move_to_segment(self, manifest: Manifest, batch: Batch) -> Manifest:
        """Put older entries where they need not be written again; the commit makes it count."""
        key = self._places.segment(batch.name)
        body = json.dumps(manifest.segment(), separators=(",", ":")).encode()
        digest = sha256(body).hexdigest()
        self._writer.create(key, io.BytesIO(body), sha256=digest, content_type=_JSON)
        return manifest.moved_to(key)

    def _write(self, manifest: Manifest) -> None:
        self._term.ensure_held()
        self._snapshot = self._document.write(
            manifest.value(), token=self._term.number, after=self._snapshot
        )
        self._manifest = manifest

    def _count(self, batch: Batch, part: Entry | None, rejected: Entry | None) -> None:
        done = self._summary
        done.batches += 1
        done.objects += len(batch.inputs)
        done.lines += batch.good.lines
        done.blank += batch.blank
        done.rejected += batch.bad.lines
        done.parts += 1 if part else 0
        done.bytes_in += batch.size
        log.info(
            "committed a batch",
            extra={
                "term": batch.term,
                "batch": batch.name,
                "part": part and part["key"],
                "rejects": rejected and rejected["key"],
                "objects": len(batch.inputs),
                "lines": batch.good.lines,
                "rejected": batch.bad.lines,
            },
        )
