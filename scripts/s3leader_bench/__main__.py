from __future__ import annotations

import sys

from s3leader_bench.app import run

if __name__ == "__main__":
    sys.exit(run())
