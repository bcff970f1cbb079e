"""Reads the JSON text of one value by an annotation, as tolerantly as lightning-cli needs it.

lightning-cli sends a word that looks like JSON as JSON: the label `123` comes as a number. So a
reader takes a number, true and false as text where the annotation wants text.
"""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, cast

import msgspec
from msgspec import Struct, json

from clnwire._wire.codec import decode, encode, is_finite, split
from clnwire._wire.options import BOOLEANS

if TYPE_CHECKING:
    from clnwire.types._texts import TextType

_DEEPEST: Final = 8
"""Levels of an object that is split although msgspec refuses it: each level is split again."""
_HINT: Final = 40
"""A hint in the usage is not longer than this."""
_NAMES: Final = {
    str: "a string",
    int: "an integer",
    float: "a number",
    type(None): "null",
    bytes: "bytes in base64",
}
_KINDS_OF_JSON: Final = {b"[": "this array", b"{": "this object", b"n": "null"}
"""The first character of a JSON text → what it is, if it is no word."""
_CATCH_ALL: Final = ("a string", "a path")
"""What every word is; so in a union, the other types are asked first."""
_NAMES_BY_MODULE: Final = {
    "decimal.Decimal": "a decimal number",
    "datetime.datetime": "a date and time such as 2026-01-31T12:00:00Z",
    "datetime.date": "a date such as 2026-01-31",
    "datetime.time": "a time such as 12:00:00",
    "datetime.timedelta": "a duration such as PT1H30M",
    "uuid.UUID": "a UUID",
}
_BOUNDS: Final = {
    "ge": "of at least {}",
    "gt": "above {}",
    "le": "of at most {}",
    "lt": "below {}",
    "multiple_of": "divisible by {}",
    "min_length": "of at least {} {unit}s",
    "max_length": "of at most {} {unit}s",
    "pattern": "that matches {!r}",
    "tz": "{}",
}


class MisfitError(ValueError):
    """A value does not fit its annotation."""

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem)
        self.problem, self.place = problem, place
        """What is wrong, to follow a name; and where in the value, as in `[1].x`."""


class Reader(Protocol):
    """Reads values of one annotation."""

    @property
    def expected(self) -> str:
        """What is permitted, to follow "must be"."""
        ...

    def read(self, text: bytes) -> Any:
        """The value of a JSON text. Raises `MisfitError`."""
        ...


def reader(annotation: Any) -> tuple[Reader, bool]:
    """The reader of an annotation, and whether it refuses nothing that msgspec's strict decoding
    accepts. Raises `TypeError` for a type that JSON does not have."""
    builder = _Builder()
    return builder.build(annotation), builder.fits_msgspec


def shown(text: bytes) -> str:
    """JSON text for a message: shortened, on one line, without unprintable characters."""
    from clnwire._wire.foreign import MOST_SHOWN, in_one_line, printable_json, shortened

    # A character of JSON text takes up to four bytes; no more is decoded than may be shown.
    whole = text[: MOST_SHOWN * 6].decode("utf-8", "replace")
    return in_one_line(printable_json(shortened(whole)))


def hint(annotation: Any) -> str:
    """The choices (`a|b`) or bounds (`1..9`) to show in a usage; empty if there are none."""
    text = _hint(annotation)
    return text if len(text) <= _HINT else ""


class _Scalar(Struct, frozen=True):
    """What msgspec decodes: an exact value, then a tolerated one, then the token as text."""

    kind: Any
    expected: str
    is_secret: bool = False

    def read(self, text: bytes) -> Any:
        if self.kind is msgspec.Raw:
            return msgspec.Raw(text)
        problem = "not a number"
        for strict in (True, False):
            try:
                value = decode(text, self.kind, strict=strict)
            except msgspec.ValidationError as error:
                problem = str(error)
            else:
                if _is_number(value, text, strict=strict):
                    return value
        word = _word(text)
        if word is not None and text[:1] != b'"':
            try:
                return msgspec.convert(word, self.kind, strict=False)
            except msgspec.ValidationError:
                pass
        raise self._misfit(problem, text)

    def _misfit(self, problem: str, text: bytes) -> MisfitError:
        if self.expected:
            return _misfit(self, text)
        # A type whose members are not read one by one: msgspec says what is wrong, and where.
        what, is_inside, place = problem.rpartition(" - at `$")
        if not is_inside:
            what, place = problem, ""
        where = "" if self.is_secret else f" in {shown(text)}"
        return MisfitError(f"is wrong: {what}{where}", place[:-1])


class _Text(Struct, frozen=True):
    """What is made of a string, or of the text of a number, true or false."""

    expected: str
    convert: Callable[[str], Any]
    is_secret: bool = False

    def read(self, text: bytes) -> Any:
        word = _word(text)
        if word is None:
            raise _misfit(self, text)
        try:
            return self.convert(word)
        except ValueError as error:
            reason = str(error) if type(error).__name__ == "ReasonError" else ""
            raise _misfit(self, text, reason) from None


class _Bounded(Struct, frozen=True):
    """A value that another reader reads, within the bounds of a `msgspec.Meta`."""

    inner: Reader
    kind: Any
    expected: str
    is_secret: bool

    def read(self, text: bytes) -> Any:
        value = self.inner.read(text)
        try:
            msgspec.convert(value, self.kind)
        except msgspec.ValidationError:
            raise _misfit(self, text) from None
        return value


class _Union(Struct, frozen=True):
    """One of several types."""

    members: list[Reader]
    special: list[Reader]
    """Those that refuse something that msgspec accepts. They are asked first."""
    plain: Any
    """The union of the other types, for msgspec."""
    expected: str
    is_secret: bool

    def read(self, text: bytes) -> Any:
        # Each reads once: one that reads twice reads a value in n of its kind 2 ** n times.
        misfit_of: dict[int, MisfitError] = {}
        for each in self.special:
            try:
                return each.read(text)
            except MisfitError as misfit:
                misfit_of[id(each)] = misfit
        try:
            return self._decoded(text)
        except msgspec.ValidationError:
            pass
        for each in self.members:
            try:
                if id(each) not in misfit_of:
                    return each.read(text)
            except MisfitError as misfit:
                misfit_of[id(each)] = misfit
        misfits = [misfit_of[id(each)] for each in self.members]
        # A misfit within a value says more than the list of all types.
        inner = [misfit for misfit in misfits if misfit.place]
        if len(misfits) == 1 or inner:
            raise (inner or misfits)[0]
        raise _misfit(self, text)

    def _decoded(self, text: bytes) -> Any:
        # An array or object is not null: decoding it at each level would say the same.
        if self.plain is type(None) and text[:1] in (b"{", b"["):
            raise msgspec.ValidationError
        return decode(text, self.plain)


class _Items(Struct, frozen=True):
    """An array of any length."""

    item: Reader
    make: Callable[[list[Any]], Any]
    expected: str = "an array"

    def read(self, text: bytes) -> Any:
        if text[:1] != b"[":
            raise _misfit(self, text)
        return self.make([_inner(self.item, t, f"[{n}]") for n, t in enumerate(_items(text))])


class _Tuple(Struct, frozen=True):
    """An array of a fixed length."""

    items: list[Reader]
    expected: str

    def read(self, text: bytes) -> Any:
        texts = _items(text) if text[:1] == b"[" else None
        if texts is None or len(texts) != len(self.items):
            raise _misfit(self, text)
        pairs = enumerate(zip(self.items, texts, strict=True))
        return tuple(_inner(item, each, f"[{n}]") for n, (item, each) in pairs)


class _Mapping(Struct, frozen=True):
    """An object whose members all have one type."""

    key: Reader
    value: Reader
    expected: str = "an object"

    def read(self, text: bytes) -> Any:
        if text[:1] != b"{":
            raise _misfit(self, text)
        found: dict[Any, Any] = {}
        for name, value in _members(text).items():
            place = "" if is_concealed(self.key) else f".{name}"
            key = _inner(self.key, encode(name), place)
            found[key] = _inner(self.value, value, place)
        return found


class _Member(Struct, frozen=True):
    """A member of a Struct or a dataclass."""

    name: str
    is_required: bool
    reader: Reader


class _Object(Struct):
    """An object that becomes a Struct or a dataclass."""

    make: Callable[..., Any]
    is_secret: bool
    forbids_unknown: bool = False
    tag: tuple[str, Any] | None = None
    members: dict[str, _Member] | None = None
    """Name in JSON → member. Set at the end of building, as the type may contain itself."""
    expected: str = "an object"

    def read(self, text: bytes) -> Any:
        if text[:1] != b"{":
            raise _misfit(self, text)
        given, members = _members(text, _DEEPEST), self.members or {}
        if self.tag is not None and given.pop(self.tag[0], None) != encode(self.tag[1]):
            raise _misfit(self, text)
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name in members:
                values[members[name].name] = _inner(members[name].reader, value, f".{name}")
            elif self.forbids_unknown:
                raise MisfitError("is unknown", f".{name}")
        missing = [n for n, m in members.items() if m.is_required and m.name not in values]
        if missing:
            raise MisfitError("is missing", f".{missing[0]}")
        try:
            return self.make(**values)
        except (ValueError, TypeError) as error:
            raise MisfitError(f"is wrong: {error}") from None


class _Builder:
    """Builds the reader of one annotation."""

    def __init__(self) -> None:
        self.fits_msgspec = True
        """Whether no reader refuses what msgspec's strict decoding accepts."""
        self.special = 0
        """How many readers do, or may do so because they read the type that is being built."""
        self._objects: dict[Any, tuple[_Object, int | None]] = {}

    def _mark(self) -> None:
        self.special += 1
        self.fits_msgspec = False

    def build(self, annotation: Any) -> Reader:
        annotation = _without_alias(annotation)
        if hasattr(annotation, "__metadata__"):
            return self._annotated(annotation)
        found = _text_type(annotation)
        if found is not None:
            return self._text(found)
        if isinstance(annotation, typing.NewType):
            return self.build(annotation.__supertype__)
        if _is_union(annotation):
            return self._union(typing.get_args(annotation))
        collection = self._collection(annotation)
        return self._single(annotation) if collection is None else collection

    def _annotated(self, annotation: Any) -> Reader:
        base, metadata = annotation.__origin__, annotation.__metadata__
        metas = tuple(each for each in metadata if _bounds(each))
        rules = [rule for rule in map(_text_type, metadata) if rule is not None]
        if metas and _is_union(base):
            # msgspec refuses bounds on a union, e.g. on `int | None`.
            self._mark()
            kinds = typing.get_args(base)
            return self._union([k if k is type(None) else _bound(k, metas) for k in kinds])
        inner = self._text(rules[0]) if rules else self.build(base)
        if not metas:
            return inner
        expected = _bounded(inner.expected, metas)
        if isinstance(inner, _Scalar):
            return _Scalar(_checked(_bound(base, metas)), expected, inner.is_secret)
        kind = _bound(_json_type(base), metas)
        return _Bounded(inner, _checked(kind), expected, is_concealed(inner))

    def _text(self, found: TextType) -> Reader:
        self._mark()
        return _Text(found.expected, found.read, found.is_secret)

    def _union(self, kinds: Iterable[Any]) -> Reader:
        members: list[Reader] = []
        special: list[Reader] = []
        plain: list[Any] = []
        for kind in kinds:
            if kind is msgspec.UnsetType:
                continue
            before = self.special
            built = self.build(kind)
            if self.special == before:
                plain.append(kind)
            elif built.expected not in _CATCH_ALL:
                special.append(built)
            if kind is not type(None):
                members.append(built)
        members.sort(key=lambda each: each.expected in _CATCH_ALL)
        names = [each for each in dict.fromkeys(each.expected for each in members) if each]
        union: Any = typing.Union[tuple(plain)] if plain else type(None)  # noqa: UP007
        is_secret = any(map(is_concealed, members))
        expected = " or ".join(names) or "of another type"
        return _Union(members, special, _checked(union), expected, is_secret)

    def _collection(self, annotation: Any) -> Reader | None:
        origin = typing.get_origin(annotation) or annotation
        inner = typing.get_args(annotation)
        if origin is tuple and inner and inner[-1] is not ...:
            readers = [self.build(each) for each in inner]
            return _Tuple(readers, f"an array of length {len(readers)}")
        if origin in (list, set, frozenset, tuple):
            return _Items(self.build(inner[0] if inner else Any), origin)
        if origin is dict:
            key, value = inner or (Any, Any)
            return _Mapping(self.build(key), self.build(value))
        config = getattr(annotation, "__struct_config__", None)
        if config is not None and not config.array_like and origin is annotation:
            return self._object(annotation, _struct_members(annotation))
        if hasattr(annotation, "__dataclass_fields__") and origin is annotation:
            return self._object(annotation, _dataclass_members(annotation))
        return None

    def _object(self, kind: Any, members: Iterable[tuple[str, str, bool, Any]]) -> Reader:
        if kind in self._objects:
            built, special = self._objects[kind]
            # While a type is being built, whether it is special is not known yet.
            self.special += 1 if special is None else special
            return built
        config = getattr(kind, "__struct_config__", None)
        built = _Object(kind, _holds_secret(kind))
        if config is not None:
            built.forbids_unknown = config.forbid_unknown_fields
            if config.tag is not None:
                built.tag = config.tag_field, config.tag
                built.expected = f'an object with "{config.tag_field}": {_encoded(config.tag)}'
        self._objects[kind] = built, None
        before = self.special
        built.members = {
            encoded: _Member(name, is_required, self.build(annotation))
            for encoded, name, is_required, annotation in members
        }
        self._objects[kind] = built, self.special - before
        if self.special == before:
            _checked(kind)
        return built

    def _single(self, annotation: Any) -> Reader:
        if annotation is str:
            return _Text(_NAMES[str], str)
        if annotation is bool:
            return _Text("true, false, yes or no", _boolean)
        if isinstance(annotation, type) and hasattr(annotation, "__fspath__"):
            self._mark()
            return _Text("a path", annotation)
        named = f"{getattr(annotation, '__module__', '')}.{getattr(annotation, '__name__', '')}"
        if named == "decimal.Decimal":
            self._mark()  # msgspec accepts the strings "nan" and "inf"
        choices = [_encoded(value) for value in _choices(annotation)]
        if choices:
            expected = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
        else:
            expected = _NAMES_BY_MODULE.get(named) or _name_of(annotation)
        return _Scalar(_checked(annotation), expected, not expected and _holds_secret(annotation))


def _checked(annotation: Any) -> Any:
    """The annotation. Raises `TypeError` if msgspec cannot decode it."""
    kind = msgspec.inspect.type_info(annotation)
    if isinstance(kind, msgspec.inspect.CustomType) and kind.cls is not object:
        raise TypeError(f"JSON has no {annotation}")
    json.Decoder(annotation)
    return annotation


def _text_type(annotation: Any) -> TextType | None:
    is_rule = type(annotation).__module__ == "clnwire.types._rules"
    if not (is_rule or isinstance(annotation, typing.NewType)):
        return None
    from clnwire.types._texts import text_type

    return text_type(annotation)


def _bound(kind: Any, metas: tuple[msgspec.Meta, ...]) -> Any:
    annotated: Any = Annotated
    parts = (kind, *metas)
    return annotated[parts]


def _without_alias(annotation: Any) -> Any:
    """The type that a `type` statement names."""
    while type(annotation).__name__ == "TypeAliasType":
        annotation = annotation.__value__
    return annotation


def _json_type(annotation: Any) -> Any:
    """The type that bounds are checked with, since readers have made the members of values."""
    annotation = _without_alias(annotation)
    while isinstance(annotation, typing.NewType):
        annotation = annotation.__supertype__
    return typing.get_origin(annotation) or annotation


def _hint(annotation: Any) -> str:
    annotation = _without_alias(annotation)
    if hasattr(annotation, "__metadata__"):
        metas = [each for each in annotation.__metadata__ if isinstance(each, msgspec.Meta)]
        return ",".join(filter(None, map(_range, metas))) or _hint(annotation.__origin__)
    if _is_union(annotation):
        inner = [_hint(each) for each in typing.get_args(annotation) if each is not type(None)]
        return "|".join(inner) if all(inner) else ""
    choices = [str(value) for value in _choices(annotation) if value is not None]
    return "|".join(choices) if all(map(_is_word, choices)) else ""


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _name_of(annotation: Any) -> str:
    try:
        return _NAMES.get(annotation, "")
    except TypeError:  # an annotation that cannot be hashed
        return ""


def _choices(annotation: Any) -> list[Any]:
    """The values of a `Literal` or an enum."""
    if typing.get_origin(annotation) is typing.Literal:
        return list(typing.get_args(annotation))
    if isinstance(annotation, enum.EnumMeta):
        return [member.value for member in cast("Iterable[enum.Enum]", annotation)]
    return []


def _bounds(meta: object) -> dict[str, Any]:
    """The bounds of a `msgspec.Meta`; empty for any other object."""
    if not isinstance(meta, msgspec.Meta):
        return {}
    found = {name: getattr(meta, name) for name in _BOUNDS}
    return {name: bound for name, bound in found.items() if bound is not None}


def _bounded(expected: str, metas: tuple[msgspec.Meta, ...]) -> str:
    if not expected:
        return ""
    unit = "item" if expected.startswith("an array") else "character"
    unit = "member" if expected.startswith("an object") else unit
    given = {name: bound for meta in metas for name, bound in _bounds(meta).items()}
    texts = {name: _BOUNDS[name].format(bound, unit=unit) for name, bound in given.items()}
    texts = {name: text.replace(f" 1 {unit}s", f" 1 {unit}") for name, text in texts.items()}
    if "ge" in given and "le" in given:
        texts = {**texts, "ge": f"from {given['ge']} to {given['le']}"}
        del texts["le"]
    if "tz" in given:
        texts["tz"] = f"{'with' if given['tz'] else 'without'} a time zone"
    comma = "," if "such as" in expected else ""
    return f"{expected}{comma} {' and '.join(texts.values())}"


def _range(meta: msgspec.Meta) -> str:
    low = f"{meta.ge}" if meta.ge is not None else ""
    high = f"{meta.le}" if meta.le is not None else ""
    if low and high:
        return f"{low}..{high}"
    bounds = ((">=", meta.ge), (">", meta.gt), ("<=", meta.le), ("<", meta.lt))
    return ",".join(f"{sign}{bound}" for sign, bound in bounds if bound is not None)


def _is_word(text: str) -> bool:
    return text.replace("-", "").replace(".", "").replace("_", "").isalnum()


def _is_number(value: Any, text: bytes, *, strict: bool) -> bool:
    """False if a string such as "nan" was converted to a number. A number beyond a float's range
    is accepted."""
    if hasattr(value, "is_finite"):
        return bool(value.is_finite())
    return strict or b'"' not in text or is_finite(value)


def is_concealed(reader: Reader) -> bool:
    """Whether messages must not show a value: a secret, or something that contains one."""
    if isinstance(reader, _Items):
        return is_concealed(reader.item)
    if isinstance(reader, _Mapping):
        return is_concealed(reader.key) or is_concealed(reader.value)
    if isinstance(reader, _Tuple):
        return any(map(is_concealed, reader.items))
    return bool(getattr(reader, "is_secret", False))


def _holds_secret(annotation: Any, above: tuple[Any, ...] = ()) -> bool:
    """Whether a type is a secret's, or has one in its members."""
    annotation = _without_alias(annotation)
    found = _text_type(annotation)
    if found is not None or annotation in above:
        return found is not None and found.is_secret
    kind = typing.get_origin(annotation) or annotation
    inner = [*typing.get_args(annotation)]
    if isinstance(kind, type) and hasattr(kind, "__annotations__"):
        inner += typing.get_type_hints(kind, include_extras=True).values()
    return any(_holds_secret(each, (*above, annotation)) for each in inner)


def _boolean(text: str) -> bool:
    value = BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError
    return value


def _word(text: bytes) -> str | None:
    """A string's value, or the text of a number, true or false; `None` for anything else."""
    if text[:1] == b'"':
        value: str = decode(text, str)
        return value
    return None if text[:1] in _KINDS_OF_JSON else text.decode()


def _items(text: bytes) -> list[bytes]:
    return cast("list[bytes]", split(text, is_shallow=True))


def _members(text: bytes, deepest: int | None = None) -> dict[str, bytes]:
    return cast("dict[str, bytes]", split(text, is_shallow=True, deepest=deepest))


def _inner(reader: Reader, text: bytes, place: str) -> Any:
    try:
        return reader.read(text)
    except MisfitError as misfit:
        raise MisfitError(misfit.problem, place + misfit.place) from None


def _misfit(reader: Reader, text: bytes, reason: str = "") -> MisfitError:
    came = shown(text)
    if is_concealed(reader):
        came = _KINDS_OF_JSON.get(text[:1], "")
    came = f", not {came}" if came else ""
    return MisfitError(f"must be {reader.expected}{came}{reason and f': {reason}'}")


def _encoded(value: object) -> str:
    return json.encode(value).decode()


def _struct_members(kind: type[Struct]) -> Iterable[tuple[str, str, bool, Any]]:
    for field in msgspec.structs.fields(kind):
        yield field.encode_name, field.name, field.required, field.type


def _dataclass_members(kind: Any) -> Iterable[tuple[str, str, bool, Any]]:
    from dataclasses import MISSING, fields

    hints = typing.get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        if field.init:
            required = field.default is MISSING and field.default_factory is MISSING
            yield field.name, field.name, required, hints[field.name]
