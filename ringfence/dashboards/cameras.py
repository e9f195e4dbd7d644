"""OCR and cameras: what the cameras send, and what is made of it."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from ringfence.dashboards.parts import (
    BLUE,
    GREY,
    ORANGE,
    PARTS,
    PER_SECOND,
    PURPLE,
    QUANTILES,
    SKY,
    TOPICS,
    VERMILLION,
    Query,
    board,
    by,
    filled,
    lines,
    number,
    quantiles,
    rate,
    share,
    total,
    zero,
)

FRAMES = "ringfence_ocr_frames_total"
CONFIDENCE = "ringfence_ocr_confidence_percent"
CLOCK = 'reason="clock_out_of_bounds"'


def cameras() -> Dashboard:
    """Everything before the gate."""
    seen = total(FRAMES)
    return filled(
        board("ringfence-cameras", "Ringfence: OCR and cameras", "What the cameras send, and how well it is read."),
        number("Cameras heard", "Cameras of the register that sent anything in five minutes.", "short",
               zero("sum(ringfence_cameras_heard)"), good_from=1),
        number("Vehicles", "Vehicles that pass a camera, in a second.", PER_SECOND,
               total("ringfence_passages_total"), decimals=0),
        number("Frames", "Pictures that the OCR looks at, in a second.", PER_SECOND, seen, decimals=0),
        number("Read", "Of the pictures, the share in which a plate was read with enough certainty.", "percentunit",
               share(total(FRAMES, 'outcome="read"'), seen), decimals=1),
        number("Sent late", "Records that left more than 250 ms after they were due, since the cameras started.",
               "short", zero("sum(ringfence_late_sends_total)")),
        number("Not sent", "Records that could not be sent, because the buffer was full. They are lost.", "short",
               zero("sum(ringfence_unsent_records_total)"), bad_from=1),
        lines("What the cameras send", "Records in a second: pictures, and reads of cameras that read on board.",
              PER_SECOND,
              Query(by("topic", "ringfence_sent_records_total"), "{{topic}}"), colours=TOPICS,
              stacked=True),
        lines("Cameras heard", "Cameras of the register that sent anything in five minutes. At night there are fewer.",
              "short", Query(zero("sum(ringfence_cameras_heard)"), "cameras"), colours={"cameras": BLUE}),
        lines("What became of the pictures", "In a second: read; a plate, but too uncertain; no plate.",
              PER_SECOND, Query(by("outcome", FRAMES), "{{outcome}}"),
              colours={"read": BLUE, "below_gate": ORANGE, "no_plate": GREY}, stacked=True),
        lines("Confidence", "Probability that the mark is right, of what became a read.",
              "percent",
              Query(f"histogram_quantile(0.05, sum by (le) ({rate(CONFIDENCE + '_bucket')})) >= 0", "the worst 5 %"),
              Query(f"histogram_quantile(0.5, sum by (le) ({rate(CONFIDENCE + '_bucket')})) >= 0", "half"),
              Query(f"sum({rate(CONFIDENCE + '_sum')}) / (sum({rate(CONFIDENCE + '_count')}) > 0)", "mean"),
              colours={"the worst": ORANGE, "half": SKY, "mean": BLUE}),
        lines("Time for a batch of pictures", "To find and to read the plates of one batch.", "s",
              *quantiles("ringfence_ocr_batch_seconds"), colours=QUANTILES),
        lines("OCR at work", "Of one core, what the OCR and the cameras use.", "percentunit",
              Query(by("job", "process_cpu_seconds_total", 'job=~"ocr|cameras"'), "{{job}}"), colours=PARTS),
        lines("Wrong clocks, unknown cameras", "Records withheld in a second, because the camera's clock and the "
              "broker's lie too far apart, or because the camera is in no register.", PER_SECOND,
              Query(total("ringfence_decisions_total", CLOCK), "clock out of bounds"),
              Query(total("ringfence_decisions_total", 'reason="unknown_camera"'), "unknown camera"),
              colours={"clock": VERMILLION, "unknown": PURPLE}),
        lines("Late and lost", "In a second: sent more than 250 ms after it was due; not sent at all.",
              PER_SECOND,
              Query(total("ringfence_late_sends_total"), "late"),
              Query(total("ringfence_unsent_records_total"), "lost"),
              colours={"late": ORANGE, "lost": VERMILLION}),
    )  # fmt: skip
