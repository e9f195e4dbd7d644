"""Kafka and lag: who is behind, what could not be handled, how the broker and the processes fare."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from ringfence.dashboards.parts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PARTS,
    PURPLE,
    SKY,
    TOPICS,
    VERMILLION,
    Query,
    bars,
    board,
    by,
    filled,
    lines,
    number,
    zero,
)

REQUESTS = {"Produce": ORANGE, "FetchConsumer": SKY, "EndTxn": BLUE, "OffsetCommit": GREY, "TxnOffsetCommit": GREEN}
DAY = 86_400
BROKER = 'job="kafka"'


def kafka() -> Dashboard:
    """The log, and how far each reader of it is."""
    return filled(
        board("ringfence-kafka", "Ringfence: Kafka and lag", "Who is behind, what failed, and how the broker fares."),
        number("Brokers", "Brokers that answer Prometheus.", "short", zero(f"sum(up{{{BROKER}}})"), good_from=1),
        number("Partitions in trouble", "Without a leader, or with a replica behind.", "short",
               f"({zero('sum(kafka_offline_partitions)')}) + ({zero('sum(kafka_under_replicated_partitions)')})",
               bad_from=1),
        number("Lag", "Records that some stage has still to handle.", "short", zero("sum(ringfence_lag_records)")),
        number("Longest lag", "Age of the last record that the slowest stage has handled, where more wait.", "s",
               zero("max(ringfence_lag_seconds)"), bad_from=10, decimals=1),
        number("Dead letters", "Since the stages started. `ringfence dlq list` shows them.", "short",
               zero("sum(ringfence_dead_letters_total)"), bad_from=1),
        number("Certificate", "Until the broker's certificate ends.", "s",
               "min(ringfence_certificate_expires_timestamp_seconds > 0) - time()", good_from=14 * DAY, none="no TLS"),
        lines("Lag in records", "End of the topic less what the stage has committed.", "short",
              Query("sum by (topic, stage) (ringfence_lag_records)", "{{topic}} to {{stage}}"), colours=TOPICS),
        lines("Lag in seconds", "Age of the last record handled, where more wait.", "s",
              Query("max by (topic, stage) (ringfence_lag_seconds)", "{{topic}} to {{stage}}"), colours=TOPICS),
        lines("Handled", "Records handled and committed in a second, by stage.", "suffix: a second",
              Query(by("stage", "ringfence_consumed_records_total"), "{{stage}}"), colours=PARTS),
        lines("Written", "Records written and committed in a second, by topic.", "suffix: a second",
              Query(by("topic", "ringfence_produced_records_total"), "{{topic}}"), colours=TOPICS),
        bars("Dead letters", "Since the stages started: where from, and why.", "short",
             Query("sum by (topic, error) (ringfence_dead_letters_total)", "{{topic}} {{error}}"), colour=VERMILLION),
        lines("Transactions given up", "In a second, by stage.", "suffix: a second",
              Query(by("stage", "ringfence_transactions_aborted_total"), "{{stage}}"), colours=PARTS),
        lines("Into the broker", "Bytes in a second that producers write, by topic.", "Bps",
              Query(by("topic", "kafka_topic_bytes_in_total", 'topic!~"__.*"'), "{{topic}}"),
              colours=TOPICS, stacked=True),
        lines("Out of the broker", "Bytes in a second that consumers fetch, by topic.", "Bps",
              Query(by("topic", "kafka_topic_bytes_out_total", 'topic!~"__.*"'), "{{topic}}"),
              colours=TOPICS, stacked=True),
        lines("Requests", "Requests that the broker answers in a second.", "reqps",
              Query(by("request", "kafka_requests_total"), "{{request}}"), colours=REQUESTS),
        lines("Time of a request", "Within this time 99 % were answered lately. A fetch waits for records.", "s",
              Query("max by (request) (kafka_request_p99_seconds)", "{{request}}"), colours=REQUESTS),
        lines("Size of the log", "On the broker's disk, by topic.", "bytes",
              Query('sum by (topic) (kafka_log_size_bytes{topic!~"__.*"}) > 0', "{{topic}}"), colours=TOPICS,
              stacked=True),
        lines("The broker's heap", "What is used of it, and how much there is.", "bytes",
              Query(f'sum by (instance) (jvm_memory_used_bytes{{{BROKER},area="heap"}})', "used {{instance}}"),
              Query(f'sum by (instance) (jvm_memory_max_bytes{{{BROKER},area="heap"}})', "at most {{instance}}"),
              colours={"used": BLUE, "at most": GREY}),
        lines("CPU", "Cores in use, by part.", "short",
              Query(by("job", "process_cpu_seconds_total"), "{{job}}"), colours=PARTS),
        lines("Memory", "Resident memory, by part.", "bytes",
              Query("sum by (job) (process_resident_memory_bytes)", "{{job}}"), colours=PARTS),
        lines("Running for", "Time since each part last started; a fall is a restart.", "s",
              Query("min by (job) (time() - process_start_time_seconds)", "{{job}}"), colours=PARTS),
        lines("Replication", "Partitions led here with a replica behind, or that take no writes.", "short",
              Query("sum by (instance) (kafka_under_replicated_partitions)", "a replica is behind {{instance}}"),
              Query("sum by (instance) (kafka_under_min_isr_partitions)", "no writes {{instance}}"),
              colours={"a replica": PURPLE, "no writes": VERMILLION}),
    )  # fmt: skip
