"""Options that the plugin adds to lightningd's command line and configuration file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast, get_args, get_origin

import msgspec

from clnwire._definition.signature import refuse_async
from clnwire._wire.options import BOOLEANS, NAME_CHARACTERS, OptionType, c_integer, fits_64_bits
from clnwire.errors import NotReadyError, OptionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clnwire._definition.values import Reader

T_co = TypeVar("T_co", covariant=True)

PythonType: TypeAlias = type

_PYTHON_TYPES: dict[type, OptionType] = {str: "string", int: "int", bool: "bool"}
NO_VALUE: Any = object()
"""The value of every option before `init`."""


class Option(Generic[T_co]):
    """An option as it was registered. Its value is available from `init` on."""

    name: str
    """Without the dashes."""
    type: OptionType
    """The protocol's name of the type."""
    default: Any
    description: str
    multi: bool
    """Whether it may be given several times; the value is then a list."""
    dynamic: bool
    """Whether `setconfig` may change it while the plugin runs."""
    deprecated: bool | Sequence[str]
    """Whether it is deprecated, or the release that deprecates it and optionally the one that
    removes it."""

    def __init__(
        self,
        name: str,
        default: Any = None,
        *,
        type: OptionType | PythonType | None = None,  # noqa: A002 - the protocol's word
        description: str = "",
        multi: bool = False,
        dynamic: bool = False,
        deprecated: bool | Sequence[str] = False,
        on_change: Callable[[Any], object] | None = None,
        value_in_run: Callable[[str], Any] | None = None,
    ) -> None:
        self.name, self.default, self.description = name, default, description
        self.multi, self.dynamic, self.deprecated = multi, dynamic, deprecated
        self.on_change = on_change
        _check_kinds(self, type)
        kind = type or _type_of_default(default, multi=multi)
        self._reader: Reader | None = None
        if isinstance(kind, str):
            self.type = cast("OptionType", kind)  # `_check` refuses others.
        elif kind in _PYTHON_TYPES:
            self.type = _PYTHON_TYPES[kind]
        else:
            self._reader, is_concealed = _reader(name, kind)
            self.type = "string-conceal" if is_concealed else "string"
            self.default = _default_of(name, default, self._reader, multi=multi)
        # Without a plugin there is no value.
        self._value_in_run: Callable[[str], Any] = value_in_run or (lambda _: NO_VALUE)
        _check(self)

    def __repr__(self) -> str:
        return f"<Option {self.name!r}: {self.type}, {self._shown_value()}>"

    @property
    def default_text(self) -> Any:
        """The default as the manifest has it: for types that the protocol lacks, it is text."""
        if self._reader is None or self.default is None:
            return self.default
        return [*map(_text_of, self.default)] if self.multi else _text_of(self.default)

    def _shown_value(self) -> str:
        value = self._value_in_run(self.name)
        if isinstance(value, OptionError):
            return "invalid"
        if value is NO_VALUE:
            return "no value before init"
        return "set" if self.type == "string-conceal" else repr(value)

    @property
    def value(self) -> T_co:
        """The value from lightningd's configuration, or the default.

        Raises `NotReadyError` before `init`, and `OptionError` if the daemon passed a value that
        does not fit the type.
        """
        value = self._value_in_run(self.name)
        if isinstance(value, OptionError):
            raise OptionError(str(value))
        if value is NO_VALUE:
            raise NotReadyError(
                f"option '{self.name}' has no value before init; "
                "read it in a handler or in a function registered with on_init"
            )
        found: T_co = value
        return found

    def read(self, raw: bytes | None) -> Any:
        """The value for the JSON text in `init`; for `None`, the default. Raises `OptionError`."""
        return self._when_absent() if raw is None else self._convert(raw)

    def read_change(self, raw: bytes | None) -> Any:
        """The value for the JSON text in `setconfig`.

        Raises `OptionError` if it does not fit, or is `None` and the option is not a flag.
        """
        if raw is not None:
            return self._convert(raw)
        if self.type != "flag":
            raise OptionError(f"option '{self.name}' needs a value")
        return True

    def _convert(self, raw: bytes) -> Any:
        if self.multi:
            return [self._convert_one(item) for item in _items(raw)]
        return self._convert_one(raw)

    def _when_absent(self) -> Any:
        if self.multi:
            # A new list, since the author may change it.
            return list(self.default or [])
        if self.default is not None:
            return self.default
        return False if self.type == "flag" else None

    def _convert_one(self, raw: bytes) -> Any:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # lightningd copies integers into the JSON as the user spelled them: 0x10, 010.
            value = raw.decode("utf-8", "replace")
            raw = msgspec.json.encode(value)
        if self.type == "int":
            return self._integer(value)
        if self.type in ("bool", "flag"):
            return self._boolean(value)
        if self._reader is not None:
            return _read(self.name, self._reader, raw)
        if isinstance(value, str):
            return value
        if raw[:1] not in (b"{", b"[", b"n"):
            # A number, true or false: the text is what the user wrote.
            return raw.decode()
        raise self._mismatch(raw, "a string")

    def _integer(self, value: object) -> int:
        number = c_integer(value.strip()) if isinstance(value, str) else value
        if isinstance(number, int) and not isinstance(number, bool) and fits_64_bits(number):
            return number
        raise self._mismatch(value, "an integer of 64 bits (decimal, 0x… or 0…)")

    def _boolean(self, value: object) -> bool:
        if isinstance(value, bool):
            return value
        if self.type == "flag" and value == "":
            return True
        if isinstance(value, str) and value.lower() in BOOLEANS:
            return BOOLEANS[value.lower()]
        raise self._mismatch(value, "true, false, yes or no")

    def _mismatch(self, value: object, expected: str) -> OptionError:
        from clnwire._wire.foreign import shortened

        if self.type == "string-conceal":
            return OptionError(f"option '{self.name}': the value is not {expected}")
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return OptionError(f"option '{self.name}': {shortened(repr(text))} is not {expected}")


def _type_of_default(default: Any, *, multi: bool) -> Any:
    if default is None or (multi and not default):
        return str
    sample: Any = default[0] if multi else default
    return sample.__class__


def _reader(name: str, kind: Any) -> tuple[Reader, bool]:
    """The reader of a type that the protocol lacks, and whether its values hold a secret.

    Such types are `float`, an enum, `Literal`, `Msat`.
    """
    # Imported late: few options need it.
    from clnwire._definition.values import is_concealed, reader

    try:
        found, _ = reader(kind)
    except TypeError as error:
        raise UsageError(f"option '{name}': its type cannot be read: {error}") from None
    if found.expected.startswith(("an array", "an object")):
        raise UsageError(
            f"option '{name}': a value is a text, which cannot become {found.expected}; "
            "give the type of one value, and multi=True for several"
        )
    return found, is_concealed(found)


def _default_of(name: str, default: Any, reader: Reader, *, multi: bool) -> Any:
    if default is None:
        return None
    values: list[Any] = default if multi else [default]
    try:
        read = [_read(name, reader, msgspec.json.encode(_text_of(value))) for value in values]
    except OptionError as error:
        raise UsageError(f"{error}; this is the default") from None
    return read if multi else read[0]


def _read(name: str, reader: Reader, raw: bytes) -> Any:
    from clnwire._definition.values import MisfitError

    try:
        return reader.read(raw)
    except MisfitError as misfit:
        raise OptionError(f"option '{name}' {misfit.problem}") from None


def _text_of(value: Any) -> str:
    """What a user would write for a value."""
    text = msgspec.json.encode(value, enc_hook=str)
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()


def _check_kinds(option: Option[Any], kind: Any) -> None:
    """Raises `UsageError` for arguments of a wrong type, which a type checker reports as well."""
    name, description, default = option.name, option.description, option.default
    for what, text in (("name", name), ("description", description)):
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise UsageError(f"option {name!r}: the {what} must be a str, not {text!r}")
    if kind is None and (isinstance(default, type) or get_origin(default) is not None):
        raise UsageError(f"option '{name}': the default is a type; pass it as type=…")
    if option.multi and default is not None and not isinstance(default, list):
        # A default of another type may be a secret.
        shown = repr(default) if kind in (None, str, int, "string", "int") else "a single value"
        raise UsageError(f"option '{name}': with multi, the default must be a list, not {shown}")


def _check(option: Option[Any]) -> None:
    """Raises `UsageError` for options for which the daemon would refuse the plugin."""
    name = option.name
    if not name or not NAME_CHARACTERS.issuperset(name):
        raise UsageError(f"option {name!r}: a name consists of a-z, 0-9, '_' and '-'")
    if name.startswith("-"):
        plain = name.lstrip("-") or "name"
        raise UsageError(f"option {name!r}: write {plain!r}, without the dashes")
    if option.type not in get_args(OptionType):
        types = ", ".join(get_args(OptionType))
        raise UsageError(f"option '{name}': unknown type {option.type!r}; use one of {types}")
    if option.multi and option.type in ("flag", "bool"):
        raise UsageError(f"option '{name}': a {option.type} cannot be multi")
    if option.type == "flag" and option.default not in (None, False):
        raise UsageError(f"option '{name}': the default of a flag must be False")
    if option.on_change is not None:
        refuse_async(option.on_change, f"option '{name}': on_change")
        if not option.dynamic:
            raise UsageError(f"option '{name}': on_change needs dynamic=True")
    _check_default(option)


def _check_default(option: Option[Any]) -> None:
    # A default of a type that the protocol lacks has been read already.
    is_read = option.default_text is not option.default
    if option.default is None or option.type == "flag" or is_read:
        return
    python_type = {"int": int, "bool": bool}.get(option.type, str)
    values: list[Any] = list(option.default) if option.multi else [option.default]
    for value in values:
        if type(value) is not python_type:
            shown = value.__class__.__name__ if option.type == "string-conceal" else repr(value)
            raise UsageError(
                f"option '{option.name}': the default must be {python_type.__name__}, not {shown}"
            )
        if isinstance(value, int) and not fits_64_bits(value):
            raise UsageError(f"option '{option.name}': the default {value} does not fit in 64 bits")


def _items(raw: bytes) -> list[bytes]:
    """The texts of an array's elements. Daemons without `multi` send the single value instead."""
    if not raw.startswith(b"["):
        return [raw]
    try:
        return [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # An integer is not spelled as in JSON (0x10). Integers contain neither commas nor quotes,
        # so the text can be split at its commas.
        return [item.strip() for item in raw[1:-1].split(b",")]
