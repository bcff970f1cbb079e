"""The plugins that the host runs: their processes, their start and their end."""
