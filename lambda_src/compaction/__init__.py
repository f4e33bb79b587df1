"""Small-file compaction: an example of a job of which only one instance may run."""

from compaction.compactor import compact
from compaction.limits import Limits
from compaction.reader import Committed, committed, lines, records
from compaction.summary import InputsWithheld, Summary

__all__ = [
    "Committed",
    "InputsWithheld",
    "Limits",
    "Summary",
    "committed",
    "compact",
    "lines",
    "records",
]
