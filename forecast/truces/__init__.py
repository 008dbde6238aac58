"""Sources of truces: a module a source, each a function that returns `Loaded`."""
