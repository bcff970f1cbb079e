"""`clnwire new`: a plugin that runs and has tests, as one script or as a package.

`_names` says which names are valid, `_project` fills the files of `templates`.
"""

from clnwire.cli.new._command import EXAMPLES, new

__all__ = ["EXAMPLES", "new"]
