"""The executable `clnwire-replica`: start it by `lightningd --important-plugin=…`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from clnwire import Plugin
from clnwire.errors import ClnwireError
from clnwire.hooks import CONTINUE, Continue, Refuse
from clnwire.messages import Init  # noqa: TC001 - clnwire reads annotations at run time.

if TYPE_CHECKING:
    from clnwire._wire.levels import LogLevel
    from clnwire.replica.housekeeping import Housekeeping
    from clnwire.replica.keeper import Keeper

_NOT_SQLITE: Final = (
    "the node has sent no writes at its start, so its database is not in SQLite, and db_write "
    "cannot replicate it; use the replication of its own server, and remove clnwire-replica"
)
_NOT_IMPORTANT: Final = (
    "the node goes on without the replica if the plugin ends: in its config, write "
    "important-plugin= instead of plugin="
)


class Service:
    """The replica of a run of the plugin.

    It begins with the node's first set, which comes before `init`. `lightningd --help` starts
    plugins too, and sends none, so nothing is touched before.
    """

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._keeper: Keeper | None = None
        self._housekeeping: Housekeeping | None = None
        self._refused: str | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the node has sent a set."""
        return self._keeper is not None or self._refused is not None

    def take(self, params: bytes) -> str | None:
        """As `Keeper.take`."""
        if self._refused is None:
            try:
                keeper = self._keeper or self._begin()
                self._refused = keeper.take(params)
            except ClnwireError as error:
                self._refused = str(error)
            if self._refused is not None:
                self._log("broken", f"the node must not commit: {self._refused}")
                self.end()
        return self._refused

    def _begin(self) -> Keeper:
        from clnwire.replica.housekeeping import Housekeeping
        from clnwire.replica.keeper import Keeper
        from clnwire.replica.settings import load, settings_path

        path = settings_path()
        settings = load(path)
        self._keeper = keeper = Keeper(settings, path.parent, self._log, self._exit)
        self._housekeeping = Housekeeping(path, settings, keeper, self._log)
        return keeper

    def watch_importance(self) -> None:
        """Warns if the node would go on without the plugin, once the node says so.

        In another thread, since the node may wait for the answer to a set before it gives its own.
        """
        from threading import Thread

        name = "clnwire-replica-importance"
        Thread(target=self._check_importance, name=name, daemon=True).start()

    def _check_importance(self) -> None:
        try:
            listed = self._plugin.rpc.call("listconfigs", type=dict[str, Any])
        except ClnwireError:
            return
        configs, own = listed.get("configs", {}), os.path.realpath(sys.argv[0])
        is_in = {
            name: any(own == os.path.realpath(path) for path in config.get("values_str", ()))
            for name in ("plugin", "important-plugin")
            if (config := configs.get(name))
        }
        if is_in.get("plugin") and not is_in.get("important-plugin") and self._housekeeping:
            self._housekeeping.notice = _NOT_IMPORTANT

    def _log(self, level: LogLevel, text: str) -> None:
        self._plugin.log(text, level)

    def _exit(self, reason: str) -> None:
        """Ends the process at once, and the node with it: it must not answer peers any more."""
        self._log("broken", reason)
        os._exit(1)

    def end(self) -> None:
        """Closes the engine, and writes the figures."""
        if self._keeper is not None:
            self._keeper.close()
        if self._housekeeping is not None:
            self._housekeeping.end()
            self._housekeeping = None


def new_plugin() -> Plugin:
    """The plugin, not running yet."""
    plugin = Plugin()
    service = Service(plugin)

    @plugin.hook("db_write")
    def on_write(event: bytes) -> Continue | Refuse:
        refused = service.take(event)
        return CONTINUE if refused is None else Refuse(f"clnwire-replica: {refused}")

    @plugin.on_init
    def check_that_sets_come(init: Init) -> None:
        # A starting node always sends a set before, unless its database is in PostgreSQL.
        if init.configuration.startup and not service.has_begun:
            plugin.disable(_NOT_SQLITE)
        else:
            service.watch_importance()

    # Called once the node sends no more sets.
    plugin.on_shutdown(service.end)
    return plugin


def main() -> None:
    """Runs the plugin. What it makes is for its own user only."""
    os.umask(0o077)
    new_plugin().run()


if __name__ == "__main__":
    main()
