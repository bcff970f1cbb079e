"""The pyln binder: each handler gets what pyln-client's own binding and Python's call give it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, Final

from clnwire.pyln import binding
from clnwire.pyln.millisatoshi import Millisatoshi
from tests.pyln.both import original_plugin

NAMES: Final = ("a", "b", "plugin", "request", "c")
GIVEN: Final = (*NAMES, "args", "more", "d")
VALUES: Final = (-1, 0, 7, "5msat", "x", None, 1.5)
FUNCTIONS: Final = 200
PLUGIN, REQUEST = original_plugin.Plugin.__new__(original_plugin.Plugin), object()


class Target:
    """Each case is one of some functions, with params by name and by position."""

    def __init__(self, folder: Path) -> None:
        del folder
        self._functions: list[tuple[Any, Any]] = []
        self._at = 0

    def case(self, random: Random) -> None:
        """Binds by name and by position. New functions come from time to time."""
        if not self._functions or random.randrange(50 * FUNCTIONS) == 0:
            self._functions = [function(random) for _ in range(FUNCTIONS)]
        ours, theirs = random.choice(self._functions)
        names = {name: random.choice(VALUES) for name in random.sample(GIVEN, random.randrange(5))}
        by_name(ours, theirs, names)
        by_position(ours, theirs, random.choices(VALUES, k=random.randrange(6)))


def function(random: Random) -> tuple[Any, Any]:
    """The same function twice: with clnwire's amounts, and with pyln-client's."""
    names = random.sample(NAMES, random.randrange(len(NAMES) + 1))
    kinds = sorted(random.randrange(4) for _ in names)
    optional = random.randrange(len(names) + 1)
    words: list[str] = []
    for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        if kind == 3 and not any(word.startswith("*") for word in words):
            words.append(random.choice(["*", "*args"]))
        hint = ": Amount" if name in "abc" and random.random() < 0.2 else ""
        words.append(f"{name}{hint}" + (" = 7" if place >= optional else ""))
        if kind == 0 and random.random() < 0.1:
            words.append("/")
            kinds = [max(each, 1) for each in kinds]
    if words.count("/") > 1 or (words and words[0] == "/"):
        words = [word for word in words if word != "/"]
    if random.random() < 0.3:
        words.append("**more")
    source = f"def handler({', '.join(words)}):\n    return locals()"
    found: list[Any] = []
    for amount in (Millisatoshi, original_plugin.Millisatoshi):
        space: dict[str, Any] = {"Amount": amount}
        exec(source, space)
        found.append(space["handler"])
    return found[0], found[1]


def by_name(ours: Any, theirs: Any, params: dict[str, Any]) -> None:
    """Params by name."""
    expected = outcome(theirs, lambda: PLUGIN._bind_kwargs(theirs, dict(params), REQUEST))
    quick = attempt(binding.quick_arguments, ours, dict(params))
    judge(ours, params, quick, attempt(binding.bind_names, ours, dict(params)), expected)


def by_position(ours: Any, theirs: Any, params: list[Any]) -> None:
    """Params by position. Where pyln-client puts the plugin into another parameter, no judge."""
    if is_misplaced(ours, len(params)):
        return
    expected = outcome(theirs, lambda: PLUGIN._bind_pos(theirs, list(params), REQUEST))
    quick = attempt(binding.quick_positions, ours, list(params))
    judge(ours, params, quick, attempt(binding.bind_positions, ours, list(params)), expected)


def attempt(bind: Any, function: Any, params: Any) -> Any:
    """What one of clnwire's ways makes of it, or its error."""
    try:
        return bind(function, params, PLUGIN, REQUEST)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def outcome(function: Any, bind: Any) -> Any:
    """What the handler gets, or the error."""
    try:
        bound = bind()
        return shown(function(*bound.args, **bound.kwargs))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def judge(function: Any, params: Any, quick: Any, bound: Any, expected: Any) -> None:
    """Both ways give what is expected; the quick one may leave it to the other."""
    found = bound if isinstance(bound, str) else outcome(function, lambda: bound)
    assert found == expected, (function.__code__.co_varnames, params, found, expected)
    if quick is None:
        return
    found = quick if isinstance(quick, str) else shown(function(**quick))
    assert found == expected, (params, found, expected)


def shown(value: Any) -> Any:
    """A value that is equal on both sides."""
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    if type(value).__name__ == "Millisatoshi":
        return f"{int(value)}msat"
    return value


def is_misplaced(function: Any, count: int) -> bool:
    """Whether pyln-client would put the plugin or the request into another parameter."""
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    for name in code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]:
        if name in binding.INJECTED:
            return True
    for place, name in enumerate(positional):
        if name in binding.INJECTED:
            if place > count:
                return True
            count += 1
    return False
