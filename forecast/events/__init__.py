"""Sources of coded events: a module a source, each a function that returns `Loaded`."""
