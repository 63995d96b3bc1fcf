#!/usr/bin/env python3
"""Draws docs/benchmarks.svg from what criterion measured last: how the cost of a decision grows with the keys in memory and with
threads, and what each denial costs.

    cargo bench -p qwetty-benches --bench verify --bench growth --bench many_keys && benches/picture.py
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRITERION = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "criterion"
PICTURE = ROOT / "docs" / "benchmarks.svg"

INK, FAINT, OURS, BARE = "#333", "#ddd", "#2563eb", "#9ca3af"
WIDTH, HEIGHT, TOP, LEFT, BOTTOM = 310, 330, 50, 46, 60
DENIALS = [
    "allowed", "rate_limited", "insufficient_permissions", "channel_not_allowed", "ip_not_allowed",
    "revoked", "expired", "unknown", "malformed",
]


def nanoseconds(*line):
    """The median of a line, or of one decision of it where it is timed by the thousand."""
    file = CRITERION.joinpath(*line, "new", "estimates.json")
    if not file.exists():
        sys.exit(f"{'/'.join(line)} is not measured: run cargo bench -p qwetty-benches --bench verify --bench growth --bench many_keys")
    median = json.loads(file.read_text())["median"]["point_estimate"]
    return median / 1_000 if line[0] == "verify_threads" else median


def text(x, y, words, anchor="middle", size=12, turned=False):
    turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{turn}>{words}</text>'


class Panel:
    """One of the three diagrams: its left edge, and a scale that begins at nothing."""

    def __init__(self, number, title, largest):
        self.x = number * (WIDTH + LEFT) + LEFT
        step = next(step for step in (20, 50, 100, 200, 500, 1_000, 2_000, 5_000) if largest / step <= 6)
        self.top = step * (int(largest / step) + 1)
        self.names = 0
        self.drawn = [text(self.x + WIDTH / 2, 24, title, size=14)]
        for value in range(0, self.top + 1, step):
            y = self.y(value)
            self.drawn.append(f'<path d="M{self.x} {y:.1f}h{WIDTH}" stroke="{FAINT}"/>')
            self.drawn.append(text(self.x - 5, y + 4, f"{value}", "end", 11))

    def y(self, value):
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.top)

    def bar(self, x, width, value, color):
        y = self.y(value)
        self.drawn.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width}" height="{self.y(0) - y:.1f}" fill="{color}"/>')
        self.drawn.append(text(x + width / 2, y - 4, f"{value:.0f}", size=10))

    def line(self, values, color, name):
        step = WIDTH / len(values)
        points = [(self.x + step * (place + 0.5), self.y(value)) for place, value in enumerate(values)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.drawn.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for (x, y), value in zip(points, values):
            self.drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')
            self.drawn.append(text(x, y - 8, f"{value:.0f}", size=10))
        # The names stand where the lines have not yet risen.
        self.names += 1
        y = TOP + 16 * self.names
        self.drawn.append(f'<path d="M{self.x + 6} {y - 4}h16" stroke="{color}" stroke-width="2"/>')
        self.drawn.append(text(self.x + 27, y, name, "start", 11))


def keys():
    counts = ["1000", "10000", "100000"]
    ours = [nanoseconds("growth", f"allowed_{count}") for count in counts] + [nanoseconds("many_keys", "allowed")]
    bare = [nanoseconds("growth", f"bare_hash_and_map_{count}") for count in counts]
    bare.append(nanoseconds("many_keys", "bare_hash_and_map"))
    panel = Panel(0, "Keys in memory, in random order: ns", max(ours + bare))
    panel.line(ours, OURS, "an allowed decision")
    panel.line(bare, BARE, "bare hash and map")
    for place, exponent in enumerate(("1,000", "10,000", "100,000", "1,000,000")):
        panel.drawn.append(text(panel.x + WIDTH / 4 * (place + 0.5), HEIGHT - BOTTOM + 18, exponent, size=11))
    return panel


def threads():
    kinds = [("own_keys", "keys of their own"), ("one_key", "one key")]
    # With two threads, twice as many decisions in the time of one thread's.
    rates = [[n * 1_000_000 / nanoseconds("verify_threads", f"{kind}_{n}") for n in (1, 2)] for kind, _ in kinds]
    panel = Panel(1, "Threads: decisions a millisecond", max(sum(rates, [])))
    for place, ((_, name), pair) in enumerate(zip(kinds, rates)):
        middle = panel.x + WIDTH / 2 * (place + 0.5)
        panel.bar(middle - 45, 40, pair[0], BARE)
        panel.bar(middle + 5, 40, pair[1], OURS)
        panel.drawn.append(text(middle, HEIGHT - BOTTOM + 18, f"one thread, two; {name}", size=11))
    return panel


def denials():
    values = [nanoseconds("verify", code) for code in DENIALS]
    bare = nanoseconds("verify", "bare_hash")
    panel = Panel(2, "Outcomes, of 1,000 keys: ns (grey: a bare hash)", max(values))
    step = WIDTH / len(values)
    for place, (code, value) in enumerate(zip(DENIALS, values)):
        x = panel.x + step * place + 5
        panel.bar(x, step - 10, value, OURS)
        panel.drawn.append(text(x + step / 2 - 1, panel.y(0) + 5, code.replace("_", " "), "end", 9, turned=True))
    panel.drawn.append(f'<path d="M{panel.x} {panel.y(bare):.1f}h{WIDTH}" stroke="{BARE}" stroke-width="2"/>')
    return panel


panels = [keys(), threads(), denials()]
whole = 3 * (WIDTH + LEFT) + 20
PICTURE.write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {HEIGHT + 40}" font-family="sans-serif" fill="{INK}">\n'
    f'<rect width="{whole}" height="{HEIGHT + 40}" fill="#fff"/>\n'
    + "\n".join("\n".join(panel.drawn) for panel in panels)
    + "\n</svg>\n"
)
