"""The thread pool for handlers with `thread=True`."""

from __future__ import annotations

import threading
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from clnwire.errors import DeadlockError

if TYPE_CHECKING:
    from clnwire._core import Job


class Pool:
    """At most `size` working threads. A thread is started when a job finds no idle one.

    Threads that wait for a call's reply do not count against `size`: the daemon may need another
    handler's answer first. All are daemon threads: the plugin's end waits for jobs in flight, not
    for idle threads.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._calls: dict[int, int] = {}
        """Thread → the number of calls it waits for. More than one if a callback makes a call."""
        self._started = self._idle = self._waiting = 0

    def submit(self, job: Job) -> None:
        """Queues a job for the next free thread.

        Raises `RuntimeError`, without queueing the job, if no thread is working and none can be
        started.
        """
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                self._start_one_more()
            self._jobs.put(job)

    def close(self) -> None:
        """Ends the threads once the queued jobs are done."""
        with self._lock:
            for _ in self._calls:
                self._jobs.put(None)

    def begin_call(self) -> None:
        """Tells the pool that the calling thread starts to wait for a call's reply.

        Raises `DeadlockError` if jobs are queued, no other thread is working, and none can be
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
                    "the daemon may need another handler first, but no thread is free for it and "
                    f"none can be started: {error}. The system limits the number of threads "
                    "(ulimit -u, or pids.max of the control group)"
                ) from error

    def end_call(self) -> None:
        """Tells the pool that the calling thread has its reply."""
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
        """Starts a thread if fewer than `size` are working.

        Raises `RuntimeError` if it cannot be started and no thread is working.
        """
        if self._at_work() >= self._size:
            return
        thread = threading.Thread(
            target=self._work, name=f"clnwire-handler-{self._started + 1}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            if self._at_work() > 0:
                # A working thread takes the job when it is free.
                return
            raise
        self._started += 1
        if thread.ident is not None:
            self._calls[thread.ident] = 0

    def _work(self) -> None:
        while (job := self._next()) is not None:
            # Each job has its own context, so that context variables do not leak to the next.
            copy_context().run(job.run)

    def _next(self) -> Job | None:
        with self._lock:
            if self._at_work() > self._size:
                # A thread that waited for a reply works again, so this one is surplus.
                del self._calls[threading.get_ident()]
                return None
            try:
                return self._jobs.get_nowait()
            except Empty:
                self._idle += 1
        return self._jobs.get()
