"""``python -m ringfence.healthy METRIC``: a container's health check. Exit code 0 if that metric is above zero.

It asks the process itself, over /metrics. Nothing of ours is imported: it runs every few seconds.
"""

import os
import sys
from urllib.request import urlopen


def main() -> int:
    """Asks, and says what is wrong."""
    name, port = sys.argv[1], os.environ.get("RINGFENCE_METRICS_PORT", "9100")
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=3) as answer:
            lines = answer.read().decode().splitlines()
    except OSError as error:
        print(f"no metrics: {error}")
        return 1
    values = [float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
    print(f"{name} {sum(values)}")
    return 0 if sum(values) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
