"""Threads for handlers that were registered with `thread=True`."""

from __future__ import annotations

import threading
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clnwire._core import Job


class Pool:
    """At most `size` threads, each started when there is work and no idle one.

    They are daemon threads: the end waits for what is in flight, and for no more.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = 0

    def submit(self, job: Job) -> None:
        """Has a thread do the job, as soon as one is free."""
        with self._lock:
            self._jobs.put(job)
            if self._idle:
                self._idle -= 1
            elif self._threads < self._size:
                self._threads += 1
                name = f"clnwire-handler-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()

    def close(self) -> None:
        """Ends the threads, each after the job that it is at."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            # What a handler leaves in its context variables is not for the next one.
            copy_context().run(job.run)

    def _next(self) -> Job | None:
        with self._lock:
            try:
                return self._jobs.get_nowait()
            except Empty:
                self._idle += 1
        return self._jobs.get()
