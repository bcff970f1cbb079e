"""The mixins of `Plugin` that register options, methods, hooks, subscriptions and functions."""
