"""Reads lines of name, requests a second, 99th percentile as wrk prints it and microseconds of a processor for each request;
prints the table of docs/benchmarks.md."""

import re
import sys
from statistics import median

# What is measured, as the table calls it, and what it is measured against.
LINES = {
    "bare_verify": ("bare hyper, the answer of `/verify`", None),
    "verify": ("`POST /api/v1/verify`", "bare_verify"),
    "bare_authorize": ("bare hyper, the answer of `/authorize`", None),
    "authorize": ("`/api/v1/authorize`", "bare_authorize"),
    "nginx_bare": ("nginx, `auth_request` to bare hyper", None),
    "nginx_authorize": ("nginx, `auth_request` to `/authorize`", "nginx_bare"),
}
MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000}


def microseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()
    return float(number) * MICROSECONDS[unit]


rounds = {name: [] for name in LINES}
for line in sys.stdin:
    name, rate, p99, cpu = line.split()
    rounds[name].append((float(rate), microseconds(p99), float(cpu)))

print("| | requests a second | ratio | 99th percentile | ratio | processor a request | ratio |")
print("|---|--:|--:|--:|--:|--:|--:|")
for name, (title, bare) in LINES.items():
    rate, p99, cpu = map(median, zip(*rounds[name]))
    # Within a round, since a machine that others use too is not the same from one to the next.
    pairs = zip(rounds[name], rounds[bare or name])
    by_round = [[own / other for own, other in zip(*pair)] for pair in pairs]
    ratios = [f"{median(ratio):.2f}" if bare else "1" for ratio in zip(*by_round)]
    print(
        f"| {title} | {rate:,.0f} | {ratios[0]} | {p99 / 1000:.2f} ms | {ratios[1]} |"
        f" {'' if 'nginx' in name else f'{cpu:.1f} µs'} | {'' if 'nginx' in name else ratios[2]} |"
    )
