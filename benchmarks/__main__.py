"""`python -m benchmarks`: all measurements, one after the other; each is also a module that runs alone."""

from benchmarks import refresh, scale, upsert

upsert.main(1_000_000)
refresh.main()
scale.main(100_000)
