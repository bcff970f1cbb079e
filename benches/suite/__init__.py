"""The same plugin on every SDK, measured by a load generator that plays the daemon natively.

    python -m benches.suite run [--quick]      measure; without --quick: keep, and renew docs
    python -m benches.suite render FILE        renew docs from a kept result
    python -m benches.suite compare FILE FILE  ratios of two results

`cases` says what is measured, `peers` builds the plugins, `running` measures, `results` is what is
kept, `budgets` judges it, `tables` and `plots` show it, `pages` puts it into the docs.
"""
