"""`python -m benchmarks [rows]`: all measurements, one after the other."""

import sys

from benchmarks import refresh, upsert

upsert.main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
refresh.main()
