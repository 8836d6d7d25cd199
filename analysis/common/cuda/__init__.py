"""Of one subject: see `analysis/cuda/`."""
