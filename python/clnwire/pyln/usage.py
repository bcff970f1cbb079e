"""The text that a plugin prints if a user starts it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from clnwire.pyln.declared import BUILT_IN, MethodType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clnwire.pyln.declared import Method, Option

OVERVIEW: Final = """
Hi, it looks like you're trying to run a plugin from the
command line. Plugins are usually started and controlled by
lightningd, which allows you to simply specify which plugins
you'd like to run using the --plugin command line option when
starting lightningd. The following is an example of how that'd
look:

  $ lightningd --plugin={file}

If lightningd is already running, you can also start a plugin
by using the cli:

  $ lightning-cli plugin start /path/to/a/plugin

Since we're here however let me tell you about this plugin.
"""
METHODS: Final = """

RPC methods
===========

Plugins may provide additional RPC methods that you can simply
call as if they were built-in methods from lightningd
itself. To call them just use lightning-cli or any other
frontend. The following methods are defined by this plugin:
"""
OPTIONS: Final = """
Command line options
====================

This plugin exposes the following command line options. They
can be specified just like any other you might gice lightning
at startup. The following options are exposed by this plugin:
"""
OPTION: Final = """
  --{name}={kind}  (default: {default}
{text}
"""


def text(methods: Iterable[Method], options: Iterable[Option]) -> str:
    """The usage of a plugin with these methods and options."""
    parts = [OVERVIEW.format(file=os.path.abspath(sys.argv[0]))]
    shown = [
        f"\n{method.name} {method.get_usage()}\n"
        for method in methods
        if method.name not in BUILT_IN and method.mtype == MethodType.RPCMETHOD
    ]
    parts += [METHODS, *shown] if shown else []
    described = [_option(option) for option in options]
    parts += [OPTIONS, *described] if described else []
    return "".join(parts)


def _option(option: Option) -> str:
    import textwrap

    doc = textwrap.indent(option.description, prefix="    ") if option.description else ""
    if option.multi:
        doc += "\n\n    This option can be specified multiple times"
    return OPTION.format(name=option.name, kind=option.opt_type, default=option.default, text=doc)
