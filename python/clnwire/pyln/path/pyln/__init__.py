"""What all folders `pyln` of the search path hold.

A namespace would do, were it not that some versions of pyln-client bring this file, which goes
before every namespace.
"""

import sys
from os.path import isdir

__path__ += [
    f"{place}/pyln"
    for place in sys.path
    if f"{place}/pyln" not in __path__ and isdir(f"{place}/pyln")
]
