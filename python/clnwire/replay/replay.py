"""Plays the daemon's side of a capture to a plugin, and checks each answer.

At full speed, one write carries many messages, and as many requests are open as the window allows.
`getmanifest`, `init` and `db_write` are sent only when no other request is open, as by the daemon.
"""

import asyncio
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final

from msgspec import Struct, field

from clnwire._core import Frame, Framer, MalformedError
from clnwire.hooks._catalogue import HOOKS
from clnwire.host.directory import FEATURES
from clnwire.host.errors import HostError, ManifestError, PluginDiedError
from clnwire.host.plugins.boot import disabled_by
from clnwire.host.plugins.launcher import environment_of
from clnwire.host.plugins.output import LogLines, OutputError, check_envelope, judge_notification
from clnwire.host.plugins.process import PluginProcess, ending, spawn
from clnwire.host.rules.answers import AnswerError, judge
from clnwire.host.rules.decoding import shown
from clnwire.host.rules.manifest import HostManifest, ReservedNames, check_manifest
from clnwire.replay.capture import Step, dialect_of

ALONE: Final = frozenset(("getmanifest", "init", "db_write"))
"""The methods whose reply the daemon awaits before it sends anything else."""
SHOWN_ERRORS: Final = 3
"""Lines of the plugin's log to show if it ends early."""
_shown: Final = partial(shown, limit=160)
END_TIMEOUT: Final = 30.0
"""Seconds that a plugin has to exit, as under the daemon."""


class DifferenceError(HostError):
    """The plugin did something else than in the capture, or than the daemon needs."""

    def __init__(self, line: int, expected: str, got: str) -> None:
        """`line` is that of the capture."""
        self.line, self.expected, self.got = line, expected, got
        super().__init__(f"line {line} of the capture: expected {expected}; got {got}")


class Outcome(Struct):
    """The measurements of a complete replay. The first difference raises an error instead."""

    requests: int = 0
    notifications: int = 0
    log_lines: int = 0
    """Log notifications from the plugin."""
    published: int = 0
    """Other notifications from the plugin: on its own topics, and to callers."""
    seconds: float = 0.0
    """From the answer to `getmanifest` to the last answer."""
    cpu_seconds: float | None = None
    """The plugin's, from its answer to `getmanifest` to its end; `None` if unknown."""
    latencies: dict[str, list[float]] = field(default_factory=dict[str, "list[float]"])
    """By method, in seconds, from the write to the answer."""


class Replay:
    """One plugin, one capture.

    `window` requests are under way at most. `speed` 0 is as fast as possible, 1 as recorded, 2
    twice as fast. A request that waits longer than `timeout` seconds is a difference. `on_reply`
    gets each request with the plugin's reply, in the order in which they come.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        window: int = 64,
        speed: float = 0.0,
        timeout: float = 60.0,
        on_reply: Callable[[Step, bytes], object] | None = None,
    ) -> None:
        self._steps, self._window, self._speed, self._timeout = steps, window, speed, timeout
        self._on_reply = on_reply
        self._dialect = dialect_of(steps)
        self._outcome = Outcome()
        self._wake = asyncio.Event()
        self._waiting: dict[bytes, Step] = {}
        self._sent: dict[bytes, float] = {}
        """When each open request was written."""
        self._answered: dict[bytes, Step] = {}
        self._unsent: list[Step] = []
        self._line = 0
        self._room = 0
        self._all_sent = False
        self._failure: HostError | None = None
        self._manifest: HostManifest | None = None
        self._errors: deque[str] = deque(maxlen=SHOWN_ERRORS)
        self._cpu_of_start: float | None = None
        """Seconds that the plugin's process had used when its work began."""

    @property
    def sent(self) -> int:
        """How many messages have been sent so far."""
        return self._outcome.requests + self._outcome.notifications

    async def run(self, argv: Sequence[str]) -> Outcome:
        """Starts the plugin and plays the whole capture.

        Raises `DifferenceError` at the first difference, `PluginDiedError`, and `HostError` if the
        plugin cannot be started.
        """
        self._name = Path(argv[0]).name
        self._loop = asyncio.get_running_loop()
        before = _children_cpu()
        self._process = PluginProcess(
            spawn(argv, cwd=None, env=environment_of(self._dialect, {})),
            Framer(),
            on_frame=self._take,
            on_malformed=self._take_malformed,
            on_exit=self._take_exit,
        )
        watch = self._loop.create_task(self._watch())
        try:
            await self._play()
        finally:
            watch.cancel()
            await self._end()
        self._raise_failure()
        if self._cpu_of_start is not None:
            # A process that has ended is part of the total of this process's children.
            used = _children_cpu() - before - self._cpu_of_start
            self._outcome.cpu_seconds = max(0.0, used)
        return self._outcome

    async def _play(self) -> None:
        origin = started = perf_counter()
        for step in self._steps:
            if self._speed:
                due = origin + (step.t_us - self._steps[0].t_us) / 1e6 / self._speed
                await self._until(due)
            await self._send(step)
            if step.method == "getmanifest":
                # Until now the plugin was loading; what follows is its work.
                started = perf_counter()
                self._cpu_of_start = _process_cpu(self._process.pid)
        self._all_sent = True
        await self._until_waiting(0)
        self._outcome.seconds = perf_counter() - started

    async def _send(self, step: Step) -> None:
        alone = step.method in ALONE
        if step.token is None:
            self._outcome.notifications += 1
        else:
            await self._until_waiting(0 if alone else self._window - 1)
            self._outcome.requests += 1
            self._waiting[step.token] = step
        self._unsent.append(step)
        if alone or self._speed or len(self._unsent) >= self._window:
            self._flush()
        if alone:
            await self._until_waiting(0)

    def _flush(self) -> None:
        """Writes all queued messages in one write."""
        if self._unsent:
            self._process.send(b"".join(step.frame + b"\n\n" for step in self._unsent))
            now = perf_counter()
            self._sent |= {step.token: now for step in self._unsent if step.token is not None}
            self._line = self._unsent[-1].line
            self._unsent.clear()

    async def _until_waiting(self, room: int) -> None:
        """Waits until at most `room` requests are open."""
        if len(self._waiting) > room or self._all_sent:
            self._flush()
        self._room = room
        while len(self._waiting) > room:
            await self._pause()
        self._raise_failure()

    async def _until(self, due: float) -> None:
        timer = self._loop.call_later(max(0.0, due - perf_counter()), self._wake.set)
        self._room = -1
        while perf_counter() < due:
            await self._pause()
        timer.cancel()
        self._raise_failure()

    async def _pause(self) -> None:
        """Waits until something has happened."""
        self._raise_failure()
        self._wake.clear()
        await self._wake.wait()

    def _fail(self, error: HostError) -> None:
        """Keeps the first failure, and stops the replay."""
        if self._failure is None:
            self._failure = error
        self._wake.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _watch(self) -> None:
        """Fails the replay when a request stays unanswered for too long."""
        while True:
            await asyncio.sleep(min(0.5, self._timeout / 4))
            late = perf_counter() - self._timeout
            for token, step in self._waiting.items():
                if self._sent.get(token, late) < late:
                    got = f"none within {self._timeout:g} s"
                    self._fail(DifferenceError(step.line, _expected(step), got))
                    return

    async def _end(self) -> None:
        """Lets the plugin exit, and judges its remaining output."""
        self._all_sent = True
        if self._failure is None:
            self._process.close_stdin()
        else:
            self._process.kill()
        try:
            await self._process.exited(END_TIMEOUT)
        except TimeoutError:
            self._process.kill()
            await self._process.exited()

    def _take(self, frame: Frame) -> None:
        try:
            check_envelope(frame)
            if frame.id is not None:
                self._take_reply(frame, frame.id)
            elif isinstance(said := judge_notification(frame, self._dialect), LogLines):
                self._outcome.log_lines += 1
                if said.level in ("error", "broken"):
                    self._errors.extend(said.lines)
            else:
                self._outcome.published += 1
        except OutputError as error:
            got = f"a plugin that the daemon would have killed: it {error}"
            self._fail(DifferenceError(self._line, "output that the daemon takes", got))

    def _take_reply(self, frame: Frame, token: bytes) -> None:
        step = self._waiting.pop(token, None)
        if step is None:
            self._fail(self._unexpected(frame, token))
            return
        now = perf_counter()
        self._answered[token] = step
        problem = self._problem(step, frame)
        if problem is not None:
            self._fail(DifferenceError(step.line, _expected(step), problem))
        self._outcome.latencies.setdefault(step.method, []).append(now - self._sent.pop(token, now))
        if self._on_reply is not None:
            self._on_reply(step, frame.bytes)
        if len(self._waiting) <= self._room:
            self._wake.set()

    def _problem(self, step: Step, reply: Frame) -> str | None:
        """What is wrong with an answer."""
        if reply.result is None and reply.error is None:
            return f"neither result nor error: {_shown(reply.bytes)}"
        if step.refused and reply.error is not None:
            return None
        if step.method == "getmanifest":
            return self._manifest_problem(reply)
        if step.method == "init":
            return _disabled(disabled_by(reply)) if self._dialect.disables else None
        if step.method in HOOKS:
            return self._hook_problem(step.method, reply)
        return None if reply.error is None else f"an error: {_shown(reply.error)}"

    def _manifest_problem(self, reply: Frame) -> str | None:
        try:
            self._manifest = check_manifest(
                self._name, reply.result or b"null", ReservedNames(features=FEATURES), self._dialect
            )
        except ManifestError as error:
            return f"a manifest that is refused: {error.field}: {error.rule}"
        return _disabled(self._manifest.disable)

    def _hook_problem(self, hook: str, reply: Frame) -> str | None:
        try:
            problem = judge(hook, reply, self._dialect.name).remark
        except AnswerError as error:
            problem = f"a plugin at which the daemon would have stopped: {error}"
        if problem is None or self._manifest is None or hook in self._manifest.hooks:
            return problem
        return f"{problem}; the plugin's manifest does not have this hook"

    def _unexpected(self, frame: Frame, token: bytes) -> DifferenceError:
        """The error for a reply that matches no open request."""
        shown = _shown(frame.bytes)
        earlier = self._answered.get(token)
        if earlier is not None:
            once = f"one answer to {earlier.method} {_shown(token)}"
            return DifferenceError(earlier.line, once, f"a second one: {shown}")
        oldest = next(iter(self._waiting.values()), None)
        if oldest is None:
            return DifferenceError(self._line, "no reply", shown)
        return DifferenceError(oldest.line, _expected(oldest), f"an unknown id: {shown}")

    def _take_malformed(self, error: MalformedError, near: str) -> None:
        got = f"not JSON: {error.reason} at byte {error.offset} of the plugin's output: {near!r}"
        self._fail(DifferenceError(self._line, "output that the daemon takes", got))
        self._process.kill()

    def _take_exit(self, code: int) -> None:
        if self._waiting or not self._all_sent:
            tokens = [token.decode() for token in self._waiting]
            said = f"; its last errors in the log: {' | '.join(self._errors)}"
            reason = ending(code) + (said if self._errors else "")
            self._fail(PluginDiedError(self._name, reason, tokens))


def _process_cpu(pid: int) -> float | None:
    """Seconds that a running process has used; `None` if the system cannot tell."""
    if sys.platform != "linux":
        return None
    try:
        # Linux makes the id of a process's clock from the process's id (clock_getcpuclockid(3)).
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return None


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _disabled(reason: str | None) -> str | None:
    return None if reason is None else f"a plugin that disables itself: {reason}"


def _expected(step: Step) -> str:
    kind = "hook " if step.method in HOOKS else ""
    text = f"an answer to {kind}{step.method} {_shown(step.token or b'')}"
    return text if step.reply is None else f"{text} such as {_shown(step.reply)}"
