"""Of one subject: see `analysis/faces/`."""
