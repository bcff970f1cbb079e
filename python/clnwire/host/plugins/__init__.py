"""The host's plugins: their processes, how they are started and how they are ended."""
