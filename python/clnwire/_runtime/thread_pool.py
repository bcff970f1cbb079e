"""Threads for handlers that were registered with `thread=True`."""

from __future__ import annotations

import threading
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from clnwire.errors import DeadlockError

if TYPE_CHECKING:
    from clnwire._core import Job


class Pool:
    """At most `size` threads at work, each started when there is work and no idle one.

    A thread that waits for one of the daemon's commands does not count: the daemon may wait for
    another handler first. They are daemon threads: the end waits for what is in flight, and for no
    more.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._calls: dict[int, int] = {}
        """Each thread, and how many commands it waits for: a callback may call another."""
        self._started = self._idle = self._waiting = 0

    def submit(self, job: Job) -> None:
        """Has a thread do the job, as soon as one is free.

        Raises `RuntimeError`, and does not queue the job, if it needs a thread that cannot be
        started.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                self._start_one_more()
            self._jobs.put(job)

    def close(self) -> None:
        """Ends the threads, each after the job that it is at."""
        with self._lock:
            for _ in self._calls:
                self._jobs.put(None)

    def begin_call(self) -> None:
        """The calling thread begins to wait for one of the daemon's commands.

        Raises `DeadlockError` if it is the last one at work, others queue, and no more can be
        started.
        """
        thread = threading.get_ident()
        with self._lock:
            if thread not in self._calls:
                return
            self._count_call(thread, 1)
            try:
                if not self._idle and not self._jobs.empty():
                    self._start_one_more()
            except RuntimeError as error:
                self._count_call(thread, -1)
                raise DeadlockError(
                    "the daemon may first need a handler that no thread is free for, and another "
                    f"thread cannot be started: {error}. The system limits their number (ulimit "
                    "-u, or pids.max of the control group)"
                ) from error

    def end_call(self) -> None:
        """The calling thread waits no more."""
        thread = threading.get_ident()
        with self._lock:
            if thread in self._calls:
                self._count_call(thread, -1)

    def _count_call(self, thread: int, change: int) -> None:
        before = self._calls[thread]
        self._calls[thread] = now = before + change
        self._waiting += (now > 0) - (before > 0)

    def _at_work(self) -> int:
        return len(self._calls) - self._waiting

    def _start_one_more(self) -> None:
        """Raises `RuntimeError` if there is no thread that could take the job."""
        if self._at_work() >= self._size:
            return
        thread = threading.Thread(
            target=self._work, name=f"clnwire-handler-{self._started + 1}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            if self._at_work() > 0:
                # A thread that is at work takes the job next.
                return
            raise
        self._started += 1
        if thread.ident is not None:
            self._calls[thread.ident] = 0

    def _work(self) -> None:
        while (job := self._next()) is not None:
            # What a handler leaves in its context variables is not for the next one.
            copy_context().run(job.run)

    def _next(self) -> Job | None:
        with self._lock:
            if self._at_work() > self._size:
                # This thread was started in place of one that waited.
                del self._calls[threading.get_ident()]
                return None
            try:
                return self._jobs.get_nowait()
            except Empty:
                self._idle += 1
        return self._jobs.get()
