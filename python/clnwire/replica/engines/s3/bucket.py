"""Requests to the store, each tried once, and what their failures mean."""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar, cast

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotSupportedError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from clnwire.replica.errors import RefusedError, ReplicaError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from obstore import ObjectMeta

    from clnwire.replica.engines.s3.address import Address

_T = TypeVar("_T")
ANSWER_SECONDS: Final = 10.0
"""How long the store may take for one entry."""
_PART_SECONDS: Final = 120.0
"""How long it may take for a part of a base."""
_LARGE: Final = 1 << 20
"""An entry of more bytes may take as long as a part."""
_ERRORS: Final = (BaseError, FileNotFoundError, NotImplementedError)
_REFUSING: Final = (PermissionDeniedError, UnauthenticatedError)
_UNABLE: Final = (NotSupportedError, NotImplementedError)
_CAUSE: Final = re.compile(r'InvalidCertificate\(\s*(\w+)|message: "([^"]+)"')
"""Why no answer came, in the details of an error."""


class Bucket:
    """The objects of one node. Threads may share it."""

    def __init__(self, address: Address, node: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Connects to nothing yet."""
        self.name = address.name
        self._quick = address.store(node, answer_seconds)
        self._patient = address.store(node, max(answer_seconds, _PART_SECONDS))

    def get(self, key: str, *, large: bool = False) -> bytes | None:
        """An object; `None` if there is none."""
        store = self._patient if large else self._quick
        return self._if_there(lambda: bytes(obstore.get(store, key).bytes()))

    def has(self, key: str) -> bool:
        """Whether there is an object."""
        return self._if_there(lambda: obstore.head(self._quick, key)) is not None

    def _if_there(self, ask: Callable[[], _T]) -> _T | None:
        with self._explained():
            try:
                return ask()
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None

    def put(self, key: str, data: bytes) -> None:
        """Stores an object of a key that nothing else writes."""
        with self._explained():
            obstore.put(self._patient, key, data, use_multipart=False)

    def create(self, key: str, data: bytes) -> bool:
        """Stores an object if there is none; returns whether it did."""
        store = self._patient if len(data) > _LARGE else self._quick
        with self._explained():
            try:
                obstore.put(store, key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectMeta]:
        """The objects below a prefix, in the order of their keys, those after a key."""
        with self._explained():
            # Its type names pyarrow, which is absent.
            pages = cast(
                "Iterator[Sequence[ObjectMeta]]",
                obstore.list(self._quick, prefix, offset=after, chunk_size=1000),  # pyright: ignore[reportUnknownMemberType]
            )
            for page in pages:
                yield from page

    def delete(self, keys: Sequence[str]) -> None:
        """Removes objects, whether or not they are there."""
        with self._explained(), suppress(FileNotFoundError):
            for start in range(0, len(keys), 1000):
                obstore.delete(self._patient, keys[start : start + 1000])

    def probe(self) -> None:
        """Checks that the store honours the condition on which all depends."""
        key = f"probe/{secrets.token_hex(16)}"
        honours = self.create(key, b"first")
        try:
            honours = honours and not self.create(key, b"second")
        finally:
            with suppress(ReplicaError):
                self.delete([key])
        if not honours:
            raise RefusedError(
                f"{self.name}: the store ignores conditional writes (If-None-Match), without which "
                "two nodes could write at the same time; use another store"
            )

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except _ERRORS as error:
            raise self._explain(error) from None

    def _explain(self, error: Exception) -> ReplicaError:
        said = _said(error)
        # An error of a listing is of no class of its own.
        if isinstance(error, FileNotFoundError) or "NoSuchBucket" in said:
            return RefusedError(f"{self.name}: there is no such bucket; make it first ({said})")
        if isinstance(error, _REFUSING) or re.search(r"40[13] (Unauthorized|Forbidden)", said):
            return RefusedError(
                f"{self.name}: the store refuses access; check credentials-file, the bucket's "
                f"policy and this machine's clock ({said})"
            )
        if isinstance(error, _UNABLE) or "501 Not Implemented" in said:
            return RefusedError(f"{self.name}: the store cannot do what is needed ({said})")
        return UnavailableError(f"{self.name}: {said}")


def _said(error: Exception) -> str:
    """What an error says, without the requests that led to it. It has no secrets."""
    text, _, details = str(error).partition("\n\nDebug source")
    line = " ".join(text.partition("<?xml")[0].split()).rstrip(": ")
    if found := re.search(r"<Code>([^<]*)</Code>\s*(?:<Message>([^<]*)</Message>)?", text):
        line += f": {found[1]}" + (f": {found[2]}" if found[2] else "")
    elif causes := _CAUSE.findall(details):
        line += f": {causes[-1][0] or causes[-1][1]}"
    return line[:500]
