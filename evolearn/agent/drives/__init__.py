"""Generic drives: rewards that need nothing but observations and actions."""
