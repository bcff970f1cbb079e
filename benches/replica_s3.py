"""Measures a write of the replica's engine for S3-compatible stores: time, and CPU time.

    python -m benches.replica_s3 [--quick] [--save benches/results/NAME.json]

The store is moto's server on this machine, in Python and in memory, so most of the time is the
store's own. A proxy delays what goes over a longer network.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benches.replica_postgresql import DELAYS_MS, Figures, measure_engine, network, report
from tests.replica.s3 import Store

from clnwire.replica.engines.s3 import S3Engine
from clnwire.replica.settings import ReplicaSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--save", type=Path)
    options = parser.parse_args()
    results: dict[str, dict[str, Figures]] = {}
    store = Store()
    # Instead of a file.
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    try:
        for delay in DELAYS_MS[: 1 if options.quick else None]:
            with network(store.url, store.port, delay) as url:
                settings = ReplicaSettings(engine=url, node=f"node{delay:g}")
                engine = S3Engine(settings, writes=True)
                results[f"network {delay:g} ms"] = measure_engine(
                    engine, settings.node, options.quick
                )
    finally:
        store.remove()
    report(results, options.save)


if __name__ == "__main__":
    main()
