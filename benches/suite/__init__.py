"""Measures the same plugin on every SDK, with a native load generator in place of the daemon.

    python -m benches.suite run [--quick]      measure; without --quick: save, and renew docs
    python -m benches.suite render FILE        renew docs from a saved result
    python -m benches.suite compare FILE FILE  ratios of two results

`cases` defines the measurements, `peers` builds the plugins, `running` measures, `results` saves
the results, `budgets` checks them, `tables` and `plots` show them, `pages` updates the docs.
"""
