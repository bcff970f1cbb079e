"""Opens the engine that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clnwire.replica.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clnwire.replica.engines import Engine
    from clnwire.replica.settings import ReplicaSettings

_PACKAGES: Final = {"postgresql": "psycopg", "s3": "obstore"}


def open_engine(settings: ReplicaSettings, *, writes: bool = False) -> Engine:
    """Opens the engine; `writes` says whether this is the node's own instance.

    A reader takes no lock and repairs nothing, so it may read while the node runs; it may also add
    bases and prune.
    """
    engine = new_engine(settings, writes=writes)
    engine.open()
    return engine


def new_engine(
    settings: ReplicaSettings, *, writes: bool, on_lost: Callable[[str], object] | None = None
) -> Engine:
    """The engine, not opened yet.

    `on_lost` is called in another thread when this instance has to end, with the reason: another
    one may run in its place.
    """
    if settings.scheme == "file":
        from clnwire.replica.engines.local import LocalEngine

        directory, survives = settings.local_directory, settings.survives
        return LocalEngine(directory, settings.node, writes=writes, survives=survives)
    try:
        if settings.scheme == "postgresql":
            from clnwire.replica.engines.postgresql import PostgresqlEngine

            return PostgresqlEngine(settings, writes=writes, on_lost=on_lost)
        if settings.scheme == "s3":
            from clnwire.replica.engines.s3 import S3Engine

            return S3Engine(settings, writes=writes, on_lost=on_lost)
    except ImportError as error:
        needed = _PACKAGES[settings.scheme]
        raise RefusedError(
            f"this engine needs {needed}: pip install 'clnwire[replica]' ({error})"
        ) from error
    raise RefusedError(f"{settings.engine}: this clnwire has no engine of that kind")
