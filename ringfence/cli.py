"""The one command line. The stages plug themselves in: see ``ringfence.commands`` in pyproject.toml."""

from importlib.metadata import entry_points

from ringfence import bundles, certs, entry, governance, installation, keys, law, matrix, plumbing
from ringfence.demo.check import books
from ringfence.demo.command import demo

app = entry.application(
    help="Simulated number-plate cameras on Kafka, and a gate that lets through only what the law in force allows."
)
app.command()(demo)
app.command()(plumbing.broker)
app.command()(books)
app.add_typer(plumbing.topics, name="topics")
app.add_typer(plumbing.dlq, name="dlq")
app.add_typer(law.regimes, name="regimes")
app.add_typer(governance.order, name="order")
app.add_typer(matrix.matrix, name="access")
app.add_typer(installation.install, name="install")
app.add_typer(keys.keys, name="keys")
app.add_typer(certs.certs, name="certs")
app.add_typer(bundles.bundle, name="bundle")
app.command()(governance.suspend)
app.command()(governance.resume)
for stage in sorted(entry_points(group="ringfence.commands"), key=lambda point: point.name):
    app.command(stage.name)(stage.load())


@app.callback()
def _ringfence() -> None:
    """Root of the command line."""


def main() -> None:
    """Entry point of the ``ringfence`` command."""
    entry.run(app)
