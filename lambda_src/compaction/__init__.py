"""Small-file compaction: the example of a job that must never run twice at once."""

from compaction.compactor import compact
from compaction.limits import Limits
from compaction.reader import Committed, committed, lines, records
from compaction.summary import Summary

__all__ = ["Committed", "Limits", "Summary", "committed", "compact", "lines", "records"]
