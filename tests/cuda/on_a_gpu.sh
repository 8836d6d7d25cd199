#!/usr/bin/env bash
# Everything that needs a GPU, what matters most first: `bash tests/cuda/on_a_gpu.sh [--minutes 12] [--out FOLDER] [PART ...]`.
# Parts: benchmark, profiler, tests, sanitizer. See on_a_gpu.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec "${PYTHON:-$(command -v python || command -v python3)}" tests/cuda/on_a_gpu.py "$@"
