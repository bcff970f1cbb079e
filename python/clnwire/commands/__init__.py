"""The daemon's commands, a module each: parameters and result as Structs.

`plugin.rpc.listpeerchannels(id=...)` needs none of it; for annotations and for what is passed:
`from clnwire.commands.listpeerchannels import ListpeerchannelsReply`. The modules are generated
from the schemas of Core Lightning, and imported when a command is first used.
"""
