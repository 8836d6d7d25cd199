"""Of one subject: see `analysis/voc/`."""
