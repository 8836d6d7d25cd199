"""Of one subject: see `analysis/cpu/`."""
