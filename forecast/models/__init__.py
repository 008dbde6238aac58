"""Models and baselines: what was known at an origin to risk of collapse by horizon."""
