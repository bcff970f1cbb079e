"""The daemon's rules as pure functions, without I/O."""
