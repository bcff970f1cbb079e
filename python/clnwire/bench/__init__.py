"""`clnwire bench`: how fast a plugin is, in whatever language it is written.

`plan` decides what to measure, `measuring` runs the load generator. `import clnwire` loads none of
these modules.
"""
