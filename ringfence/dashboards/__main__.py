"""``python -m ringfence.dashboards`` writes docker/grafana/dashboards/*.json. The same Python, the same bytes."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from ringfence.dashboards.cameras import cameras
from ringfence.dashboards.gate import gate
from ringfence.dashboards.kafka import kafka
from ringfence.dashboards.overview import overview
from ringfence.settings import ROOT

FOLDER = ROOT / "docker" / "grafana" / "dashboards"
BOARDS = {"overview": overview, "gate": gate, "cameras": cameras, "kafka": kafka}


def rendered() -> dict[str, str]:
    """File name -> JSON of every dashboard."""
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    return {f"{name}.json": encoder.encode(make()) + "\n" for name, make in BOARDS.items()}


def write(folder: Path = FOLDER) -> None:
    """Writes every dashboard into the folder, and removes what is there of another name."""
    folder.mkdir(parents=True, exist_ok=True)
    files = rendered()
    for old in folder.glob("*.json"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write()
