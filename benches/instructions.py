"""Reads what gungraun prints as JSON, a benchmark each line; prints the name of each and the instructions of all its calls."""

import json
import sys

for line in sys.stdin:
    benchmark = json.loads(line)
    callgrind = next(profile for profile in benchmark["profiles"] if profile["tool"] == "Callgrind")
    values = callgrind["data"]["total"]["metrics"]["Ir"]["values"]
    # A second run has both its own and the one before.
    count = values["new"] if "new" in values else values["both"][0]
    print(f"{benchmark['function_name']}.{benchmark['id']} {count}")
