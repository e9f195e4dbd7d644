"""Overview: is London being read, is the gate open, what reaches the police. One screen, for anyone."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from ringfence.dashboards.parts import (
    BAD,
    BLUE,
    EFFECTS,
    GATES,
    GOOD,
    GREY,
    ORANGE,
    PER_SECOND,
    PURPLE,
    QUANTILES,
    SKY,
    Query,
    bars,
    board,
    by,
    filled,
    lines,
    number,
    quantiles,
    risen,
    share,
    states,
    total,
    zero,
)

OPEN, SUSPENDED, ABSENT = 0, 1, 2
GATE = Query(
    f'(max(ringfence_suspended{{{GATES}}}) and on () max(ringfence_ready{{stage="enforcement"}}) == 1)'
    f" or vector({ABSENT})",
    "the gate",
)
WORDS = {OPEN: ("open", GOOD), SUSPENDED: ("suspended", BAD), ABSENT: ("not running", BAD)}
DENIED = 'effect="DENY"'
DECISIONS, POLICE = "ringfence_decisions_total", "ringfence_police_records_total"
ALLOWED, RECEIVED = total(DECISIONS, 'effect="ALLOW"'), total(POLICE)
OFFERED = total("ringfence_consumed_records_total", 'stage="enforcement"')


def overview() -> Dashboard:
    """The dashboard to look at first."""
    return filled(
        board("ringfence-overview", "Ringfence: overview", "Is London being read, and what reaches the police?"),
        number("London is being read", "Reads and images that come to the gate, in a second.", PER_SECOND,
               OFFERED, good_from=0.001, decimals=0),
        states("The gate", "Open: it discloses what the law in force allows. Suspended: by order, or because an order "
               "is missing, nothing.", GATE, WORDS),
        number("Share disclosed", "Of the reads and images that the gate decided, the share that the police may have.",
               "percentunit", share(ALLOWED, total(DECISIONS)), decimals=1),
        number("The police receive", "Records that the police console received, in a second.", PER_SECOND,
               RECEIVED, decimals=0),
        number("Without evidence", "Disclosures without a decision in the evidence, for a minute or longer. Must be 0.",
               "short", zero("clamp_min(min_over_time(sum(ringfence_disclosures_unaudited)[1m:5s]), 0)"), bad_from=1),
        number("Alerts", "Alerts that are firing. docs/monitoring.md says what to do about each.", "short",
               zero('count(ALERTS{alertstate="firing"})'), bad_from=1),
        lines("From the street to the police", "How many pass a camera, come to the gate, and are disclosed.",
              PER_SECOND,
              Query(total("ringfence_passages_total"), "vehicles pass a camera"),
              Query(OFFERED, "come to the gate"),
              Query(ALLOWED, "allowed"),
              Query(RECEIVED, "received by the police"),
              colours={"vehicles": GREY, "come": ORANGE, "allowed": BLUE, "received": PURPLE}, height=7),
        lines("What the gate says", "Decisions in a second: what may go to the police, and what may not.",
              PER_SECOND, Query(by("effect", DECISIONS), "{{effect}}"), colours=EFFECTS, stacked=True,
              height=7),
        bars("Why not", "Reasons for which the gate withheld a record, in the time shown.", "short",
             Query(f"sort_desc(sum by (reason) {risen(DECISIONS, DENIED)})",
                   "{{reason}}"), colour=ORANGE, span=8, height=7),
        lines("In which form", "Records that the police received in a second, by form.", PER_SECOND,
              Query(by("form", POLICE), "{{form}}"),
              colours={"text": BLUE, "contextual": SKY, "hit": ORANGE, "reduced": PURPLE}, stacked=True, span=8,
              height=7),
        lines("How soon", "From the camera's shutter to the police console, without what a camera sent late.", "s",
              *quantiles("ringfence_latency_seconds", 'stage="police"'), colours=QUANTILES, span=8, height=7),
        states("Parts", "Whether each part answers Prometheus.", Query("min by (job) (up)", "{{job}}"),
               {0: ("down", BAD), 1: ("up", GOOD)}, span=24, height=4),
    )  # fmt: skip
