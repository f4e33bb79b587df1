"""`s3leader certify`: can elections be held on this store?"""

from __future__ import annotations

import secrets
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import s3leader
from s3leader import BucketUnusable, InvalidArgument
from s3leader_cli.streams import print_error

from .check import FULL, QUICK, Scale, Subject
from .inspection import dollars, inspect, measure, total_costs
from .report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

PROCESSES: Final = 4
