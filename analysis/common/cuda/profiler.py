"""What the profiler `ncu` counts in the kernels of a program, read from its csv, and what that means."""

from __future__ import annotations

import csv
import os
import signal
import subprocess

from analysis.common.cuda.timing import readable

KERNELS = "[0-9](scan|back|integrate|forward|backward)_"
"""A regular expression for the mangled names of the backend's kernels; a digit, the length, stands before a name."""

STALLS = ("barrier", "long_scoreboard", "short_scoreboard", "wait", "lg_throttle", "mio_throttle")
STALL = "smsp__average_warps_issue_stalled_{}_per_issue_active.ratio"
READ, WRITTEN, TIME = "dram__bytes_read.sum", "dram__bytes_write.sum", "gpu__time_duration.sum"
HITS, SECTORS, CYCLES = "lts__t_sector_hit_rate.pct", "lts__t_sectors.sum", "sm__cycles_elapsed.max"
CONFLICTS = "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum"
INSTRUCTIONS, ISSUED = "smsp__inst_executed.sum", "smsp__issue_active.avg.pct_of_peak_sustained_active"
METRICS = (READ, WRITTEN, TIME, HITS, SECTORS, CONFLICTS, INSTRUCTIONS, ISSUED, CYCLES, *map(STALL.format, STALLS))
REQUESTS, REGISTERS = "lts__t_requests.sum", "launch__registers_per_thread"
SHARED = "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum"
LOADED = "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"
STORED = "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"
WARPS = "sm__warps_active.avg.pct_of_peak_sustained_active"
OPTIONAL = (REQUESTS, SHARED, LOADED, STORED, REGISTERS, WARPS)
"""Not on every ncu; one that it does not know ends it, so it is asked again without these."""

WARP = 32
UNITS = {"Kbyte": 1e3, "Mbyte": 1e6, "Gbyte": 1e9, "Tbyte": 1e12}
UNITS |= {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
UNITS |= {"nsecond": 1, "usecond": 1e3, "msecond": 1e6, "second": 1e9}  # of older ones


def counted(program, seconds):
    """Output of a program, and the counts of the kernels that it runs between the profiler's start and stop.

    Raises
    ------
    RuntimeError
        With the last that ncu said, if it counted nothing.
    """
    for metrics in ((*METRICS, *OPTIONAL), METRICS):
        output = outputs(command(metrics, program), seconds)
        kernels = parsed(output)
        if kernels:
            return output, kernels
    said = [line for line in output.splitlines() if line.strip()]
    raise RuntimeError("; ".join(["nothing was counted", *said[-3:]])[-300:])


def outputs(command, seconds):
    """What a command prints; if it takes too long it is ended, with the program that it watches."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    with subprocess.Popen(command, **streams) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def command(metrics, program):
    """The call of ncu."""
    shape = ["--csv", "--page", "raw", "--metrics", ",".join(metrics), "--clock-control", "none"]
    chosen = ["--profile-from-start", "off", "--kernel-name-base", "mangled", "--kernel-name", f"regex:{KERNELS}"]
    return ["ncu", *shape, *chosen, *program]


def parsed(text):
    """The launches in ncu's csv: each its "Kernel Name" and its metrics, in bytes and nanoseconds.

    Before the csv stand what the program printed and what ncu says; its first row is units.
    """
    lines = text.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith('"ID"')), len(lines))
    table = list(csv.reader(line for line in lines[begin:] if line.startswith('"')))
    if len(table) < 3:
        return []
    header, units, *rows = table
    launches = []
    for row in rows:
        found = {"Kernel Name": row[header.index("Kernel Name")]}
        for name, unit, value in zip(header, units, row, strict=True):
            if name in METRICS + OPTIONAL:
                found[name] = _number(value) * UNITS.get(unit, 1)
        launches.append(found)
    return launches


def _number(text):
    """Of 1,234.5; what ncu could not count is NaN."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return float("nan")


def meaning(seen, visits):
    """What the counts of one launch say of a kernel that goes to so many pixels, all directions counted."""
    moved, instructions = seen[READ] + seen[WRITTEN], seen[INSTRUCTIONS]
    stalls = {name: seen[STALL.format(name)] for name in STALLS}
    found = {
        "kernel": readable(seen["Kernel Name"]),
        "us": seen[TIME] / 1e3,
        "GB": moved / 1e9,
        "GB/s": moved / seen[TIME],
        "L2 hit %": seen[HITS],
        "L2 sectors a pixel": seen[SECTORS] / visits,
        "instructions a pixel": instructions * WARP / visits,
        "issue slots %": seen[ISSUED],
        "cycles": seen[CYCLES],
        "bank conflicts an instruction": seen[CONFLICTS] / instructions,
        "warps stalled": dict(sorted(stalls.items(), key=lambda stall: -stall[1])),
    }
    return _finite(found | _more(seen))


def _more(seen):
    """What the optional metrics say, as far as they are there."""
    names = {"sectors a load": LOADED, "sectors a store": STORED, "registers": REGISTERS, "warps active %": WARPS}
    found = {name: seen[metric] for name, metric in names.items() if metric in seen}
    if seen.get(REQUESTS):
        found["sectors an L2 request"] = seen[SECTORS] / seen[REQUESTS]
    if seen.get(SHARED):
        found["bank conflicts a shared wavefront"] = seen[CONFLICTS] / seen[SHARED]
    return found


def _finite(found):
    """NaN is no JSON."""
    return {key: None if value != value else value for key, value in found.items()}
