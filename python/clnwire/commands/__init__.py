"""The daemon's commands. Each module has one command's parameters and result as Structs.

Calls such as `plugin.rpc.listpeerchannels(id=...)` need no import. Import the Structs for type
annotations: `from clnwire.commands.listpeerchannels import ListpeerchannelsReply`. The modules are
generated from the schemas of Core Lightning, and imported when a command is first used.
"""
