"""One module a verb of `forecast`; the only importers of hydra."""
