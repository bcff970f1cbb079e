"""The host's commands, and the socket that serves them."""
