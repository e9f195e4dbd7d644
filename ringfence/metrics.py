"""Every metric, in one container on a given registry. Base units; never a VRM in a label."""

import errno
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from ringfence.errors import ResourceBusyError

# From a millisecond to a minute: a transaction takes tens of ms, a late event half a minute.
SECONDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 2.5, 5.0, 10.0,
    30.0, 60.0,
)  # fmt: skip
PER_CENT = (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100)


class Metrics:
    """The metrics of one process. Attributes are prometheus-client objects."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = reg = registry or CollectorRegistry()
        ProcessCollector(registry=reg)  # process_*: since when it runs, CPU, memory, open files

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ringfence_{name}", text, labels, registry=reg)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ringfence_{name}", text, labels, registry=reg)

        def seconds(name: str, text: str, *labels: str) -> Histogram:
            return Histogram(f"ringfence_{name}_seconds", text, labels, registry=reg, buckets=SECONDS)

        # Every stage.
        self.ready = gauge("ready", "1 once partitions are assigned and records can be handled.", "stage")
        self.consumed = counter("consumed_records", "Records handled and committed.", "stage", "topic")
        self.produced = counter("produced_records", "Records written and committed.", "stage", "topic")
        self.dead_letters = counter("dead_letters", "Records sent to a dead-letter topic.", "stage", "topic", "error")
        self.transaction = seconds("transaction", "From the first record in hand to the commit.", "stage")
        self.aborted = counter("transactions_aborted", "Transactions given up and tried again.", "stage")
        self.lag_records = gauge("lag_records", "End offset less committed offset.", "stage", "topic", "partition")
        self.lag_seconds = gauge(
            "lag_seconds", "Age of the last record handled, if more wait.", "stage", "topic", "partition"
        )
        self.latency = seconds("latency", "From capture to commit, without events sent late.", "stage", "topic")
        self.certificate = gauge(
            "certificate_expires_timestamp_seconds", "When the broker's certificate ends; 0 without TLS."
        )
        # Cameras.
        self.passages = counter("passages", "Passages that the world made.")
        self.sent = counter("sent_records", "Records that cameras handed to Kafka.", "topic")
        self.late_sends = counter("late_sends", "Records sent more than 250 ms after they were due.")
        self.unsent = counter("unsent_records", "Records that could not be sent: the buffer was full.")
        self.acknowledged = gauge(
            "acknowledged_timestamp_seconds", "When the broker last acknowledged a record of the cameras; 0 before."
        )
        # OCR.
        self.ocr = counter("ocr_frames", "Frames by what became of them.", "outcome")
        self.confidence = Histogram(
            "ringfence_ocr_confidence_percent",
            "Probability that the mark of a read is right.",
            registry=reg,
            buckets=PER_CENT,
        )
        self.ocr_batch = seconds("ocr_batch", "Time to find and read one batch of frames.")
        # The gate.
        self.decisions = counter("decisions", "Decisions.", "regime", "kind", "zone", "effect", "form", "reason")
        self.suspended = gauge("suspended", "1 while all disclosure is suspended, or an order is missing.")
        self.suspensions = gauge("suspensions", "Suspensions in force: of all, of zones, cameras or forms.")
        self.orders_missing = gauge(
            "orders_missing", "Orders that are missing: till they are there, nothing is disclosed."
        )
        self.bundle = gauge("bundle", "Number of the bundle in force.")
        self.orders = counter("orders", "Orders obeyed.", "kind")
        self.orders_refused = counter("orders_refused", "Orders refused.", "error")
        self.order_effect = seconds("order_effect", "From the broker's time of an order to when the gate obeys it.")
        self.cameras_heard = gauge("cameras_heard", "Cameras of the register that sent anything in five minutes.")
        # Those who read what comes out.
        self.police = counter("police_records", "Records that the police received.", "form")
        self.audited = counter("audited_decisions", "Decisions found in the evidence.", "effect")
        self.chain_breaks = counter("chain_breaks", "Decision batches that do not follow the one before.")
        self.unaudited = gauge(
            "disclosures_unaudited", "Disclosures less ALLOW decisions, as counted so far; sum it over the members."
        )


def serve(metrics: Metrics, address: str, port: int) -> WSGIServer | None:
    """Serves /metrics in a thread; None if ``port`` is 0. ResourceBusyError if the port is taken."""
    if not port:
        return None
    try:
        server, _ = start_http_server(port, addr=address, registry=metrics.registry)
    except OSError as error:
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise ResourceBusyError(f"port {port} on {address} {why}: set RINGFENCE_METRICS_PORT") from None
    return server
