"""The CUDA kernels under Numba's simulator, which has to be chosen before Numba is imported."""

import os
import subprocess
import sys
from pathlib import Path

CASES = Path(__file__).with_name("simulated.py")


def test_the_kernels_compute_what_the_reference_computes():
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, env=environment, cwd=CASES.parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
