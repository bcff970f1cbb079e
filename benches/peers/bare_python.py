"""Answers `getmanifest` and `init` with nothing but the interpreter."""

import os

MANIFEST = b'{"options":[],"rpcmethods":[],"hooks":["db_write"],"nonnumericids":true}'

while frame := os.read(0, 65536):
    result = b'{"result":"continue"}'
    if b'"getmanifest"' in frame:
        result = MANIFEST
    elif b'"init"' in frame:
        result = b"{}"
    token = frame.split(b'"id":', 1)[1].split(b",", 1)[0]
    os.write(1, b'{"jsonrpc":"2.0","id":%s,"result":%s}\n\n' % (token, result))
