"""Gate: what was decided, under which law, and how soon orders took effect."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from ringfence.dashboards.overview import ABSENT, DENIED, GATE, WORDS
from ringfence.dashboards.parts import (
    BLUE,
    EFFECTS,
    GATES,
    GREEN,
    ORANGE,
    PER_SECOND,
    PURPLE,
    QUANTILES,
    RANGE,
    SKY,
    ZONES,
    Query,
    bars,
    board,
    by,
    filled,
    lines,
    number,
    quantiles,
    risen,
    states,
    timeline,
    total,
    zero,
)

DECISIONS = "ringfence_decisions_total"
EFFECT = "ringfence_order_effect_seconds"
KINDS = {"read": SKY, "image": PURPLE}


def gate() -> Dashboard:
    """The policy enforcement point."""
    effect = quantiles(EFFECT, window=RANGE)
    return filled(
        board("ringfence-gate", "Ringfence: gate", "What the gate decides, under which law, and how soon it obeys."),
        states("The gate", "Open: it discloses what the law in force allows. Suspended: by order, or because an order "
               "is missing, nothing.", GATE, WORDS, span=3),
        number("Bundle", "Number of the bundle of law that is in force; the least, if gates differ.", "none",
               zero(f"min(ringfence_bundle{{{GATES}}})"), good_from=1, span=3),
        number("Suspensions", "In force: of all, of zones, cameras or forms.", "short",
               zero("max(ringfence_suspensions)"), span=3),
        number("Orders obeyed", "Since the gates started, those that they found then included.", "short",
               zero("sum(ringfence_orders_total)"), span=3),
        number("Orders refused", "Since the gates started. They lie in governance.orders.dlq.", "short",
               zero("sum(ringfence_orders_refused_total)"), bad_from=1, span=3),
        number("Orders missing", "Until they are there, nothing is disclosed.", "short",
               zero("max(ringfence_orders_missing)"), bad_from=1, span=3),
        number("Order to effect", "Within this time 99 % of the orders took effect, in the time shown.", "s",
               effect[1].expr, none="no order", decimals=1, span=3),
        number("Transaction", "Within this time 99 % of the gate's transactions were committed.", "s",
               quantiles("ringfence_transaction_seconds", 'stage="enforcement"')[1].expr, none="none", decimals=1,
               span=3),
        timeline("Open or suspended", "Each gate, over time.", Query(
                 f"max by (instance) (ringfence_suspended{{{GATES}}}) or on () vector({ABSENT})", "gate {{instance}}"),
                 WORDS),
        lines("By regime", "Decisions in a second, by the regime under which they were taken. The date of capture "
              "selects it.", PER_SECOND,
              Query(by("effect, regime", DECISIONS), "{{effect}} {{regime}}"), colours=EFFECTS,
              stacked=True),
        lines("Text or image", "Decisions in a second, by what was asked for.", PER_SECOND,
              Query(by("kind", DECISIONS), "{{kind}}"), colours=KINDS, stacked=True),
        lines("Allowed, by zone", "Disclosures in a second, by the scheme that the camera was put up to enforce.",
              PER_SECOND,
              Query(by("zone", DECISIONS, 'effect="ALLOW"'), "{{zone}}"), colours=ZONES,
              stacked=True),
        lines("Denied, by zone", "Records withheld in a second, by the scheme that the camera was put up to enforce.",
              PER_SECOND,
              Query(by("zone", DECISIONS, 'effect="DENY"'), "{{zone}}"), colours=ZONES,
              stacked=True),
        lines("Allowed, by form", "Disclosures in a second, by the form that the police may have.", PER_SECOND,
              Query(by("form", DECISIONS, 'effect="ALLOW"'), "{{form}}"),
              colours={"text": BLUE, "contextual": SKY, "hit": ORANGE, "reduced": PURPLE}, stacked=True),
        bars("Denied, by reason", "Records withheld in the time shown.", "short",
             Query(f"sort_desc(sum by (reason) {risen(DECISIONS, DENIED)})", "{{reason}}"),
             colour=ORANGE),
        bars("Orders obeyed, by kind", "Since the gates started, those that they found then included.", "short",
             Query("sort_desc(sum by (kind) (ringfence_orders_total) > 0)", "{{kind}}"), span=8),
        bars("Orders refused, by why", "Since the gates started.", "short",
             Query("sum by (error) (ringfence_orders_refused_total)", "{{error}}"), colour=ORANGE, span=8),
        lines("Order to effect", "From the broker's time of an order to when the gate obeys it, in the time shown.",
              "s", *effect, colours=QUANTILES, span=8),
        lines("Time of a transaction", "From the first record in hand to the commit.", "s",
              *quantiles("ringfence_transaction_seconds", 'stage="enforcement"'), colours=QUANTILES),
        lines("Transactions given up", "In a second. An order that comes in before a commit makes one; a broker that "
              "falters makes many.", PER_SECOND,
              Query(total("ringfence_transactions_aborted_total", 'stage="enforcement"'), "given up"),
              colours={"given up": GREEN}),
    )  # fmt: skip
