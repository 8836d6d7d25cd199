"""What is reported, by subject: a script for each table or figure, its results in `results/` beside it.

    cpu/         how fast the CPU backend is
    cuda/        how fast the CUDA backend is, and why
    theory/      Theorems 1 to 3, reach and gradients, on random, hand-made and learned weights
    faces/       Table 1 and all that belongs to it
    refinement/  the refiner without classes: its training, its table beside rivals, its picture
    robustness/  random calls, damaged files, runs that are killed
    common/      what scripts share

Run them with spnkit installed: `python analysis/theory/reach.py`. Where Python looks for modules, every script puts the
root in place of its own folder, so that it finds `analysis.common`. All know `--small`, a quick check that leaves its
results in `build/`, `--seed` and `--out`.
"""
