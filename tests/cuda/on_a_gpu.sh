#!/usr/bin/env bash
# Everything that needs a GPU: `bash tests/cuda/on_a_gpu.sh [benchmark] [tests] [sanitizer]`, all of it by default.
# No part stops the next; a line for each comes last. Limits in seconds.
set -uo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1 XLA_PYTHON_CLIENT_PREALLOCATE=false
python=${PYTHON:-$(command -v python || command -v python3)}
summary=()

part() { # name, limit, command
  local name=$1 limit=$2 status=0
  shift 2
  echo "+ $*"
  timeout "$limit" "$@" || status=$?
  summary+=("$name: $([ $status = 0 ] && echo passed || echo "failed ($status)")")
}

for wanted in "${@:-benchmark tests sanitizer}"; do
  for name in $wanted; do
    case $name in
    benchmark) part benchmark 480 "$python" analysis/gpu_benchmark.py ;;
    tests) part tests 480 "$python" -m pytest -q -m gpu -n auto --maxprocesses 8 --dist worksteal tests/cuda ;;
    sanitizer)
      part "kernels, compiled" 240 "$python" -m pytest -q -m sanitize tests/cuda
      for tool in memcheck racecheck; do
        part "$tool" 240 compute-sanitizer --tool "$tool" --error-exitcode 9 \
          "$python" -m pytest -q -p no:cacheprovider -m sanitize tests/cuda
      done
      ;;
    *) echo "no part $name" >&2 && exit 2 ;;
    esac
  done
done
printf '%s\n' "${summary[@]}"
[[ "${summary[*]}" != *failed* ]]
