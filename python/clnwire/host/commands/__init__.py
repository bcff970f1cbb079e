"""The commands of the host, and the socket on which they are called."""
