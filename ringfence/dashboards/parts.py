"""What the dashboards share: colours, the data source, kinds of panel, links and annotations.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; yellow and black are left out, because
each is lost on one of Grafana's two themes. A colour means the same on every dashboard.
"""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog import builder as cogbuilder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from msgspec import Struct

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY = "#56B4E9", "#CC79A7", "#999999"
GOOD, BAD, PLAIN = GREEN, VERMILLION, BLUE
EFFECTS = {"ALLOW": BLUE, "DENY": ORANGE}
ZONES = {"ccz": BLUE, "lez": SKY, "ulez-2021": GREEN, "ulez-2023": ORANGE, "unknown": GREY}
PARTS = {
    "cameras": ORANGE, "ocr": SKY, "enforcement": BLUE, "oversight": GREEN, "police": PURPLE, "kafka": GREY,
}  # fmt: skip
TOPICS = {
    "anpr.frames": ORANGE, "anpr.reads": SKY, "anpr.images": GREY, "police": PURPLE, "police.images": VERMILLION,
    "oversight.audit": GREEN, "governance.orders": BLUE,
}  # fmt: skip
QUANTILES = {"half within": SKY, "99 % within": BLUE}
TAG = "ringfence"
PER_SECOND = "suffix:/s"
SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
GATES = 'job="enforcement"'  # a gauge without labels is 0 in every other part
RATE = "$__rate_interval"
RANGE = "$__range"


class Query(Struct, frozen=True):
    """PromQL, and the name of its series; ``{{label}}`` in it stands for the label's value."""

    expr: str
    legend: str


def zero(expr: str) -> str:
    """The expression, or 0 where there are no series: for a sum, to which nothing has yet been added."""
    return f"({expr}) or vector(0)"


def rate(metric: str, labels: str = "") -> str:
    """How much a counter rises in a second; ``labels`` as between PromQL's braces."""
    return f"rate({metric}{{{labels}}}[{RATE}])" if labels else f"rate({metric}[{RATE}])"


def total(metric: str, labels: str = "") -> str:
    """The rate of all series together; 0 where there are none."""
    return zero(f"sum({rate(metric, labels)})")


def risen(metric: str, labels: str = "", window: str = RANGE) -> str:
    """How much a counter has risen. What was not there when the window began counts in full: increase() misses that."""
    braces = f"{{{labels}}}" if labels else ""
    return f"(({metric}{braces} unless {metric} offset {window}) or increase({metric}{braces}[{window}]))"


def by(names: str, metric: str, labels: str = "") -> str:
    """The rate by the values of these labels."""
    return f"sum by ({names}) ({rate(metric, labels)})"


def share(part: str, whole: str) -> str:
    """One number as a share of another; 0 while both are 0."""
    return f"({part}) / clamp_min({whole}, 0.000001)"


def quantiles(metric: str, labels: str = "", window: str = RATE) -> tuple[Query, ...]:
    """Median and 99th percentile of a histogram. No series while it is empty: a quantile of nothing is no number."""
    braces = f"{{{labels}}}" if labels else ""
    inner = f"sum by (le) (rate({metric}_bucket{braces}[{window}]))"
    return tuple(
        Query(f"histogram_quantile({q}, {inner}) >= 0", name) for q, name in zip((0.5, 0.99), QUANTILES, strict=True)
    )


def lines(
    title: str,
    text: str,
    unit: str,
    *queries: Query,
    colours: Mapping[str, str],
    stacked: bool = False,
    span: int = 12,
    height: int = 8,
) -> timeseries.Panel:
    """Lines over time. ``colours``: by the name of a series, or by how it begins."""
    panel = timeseries.Panel().title(title).description(text).unit(unit).span(span).height(height)
    panel.datasource(SOURCE).no_value("none").min(0).line_width(2).fill_opacity(25 if stacked else 5)
    panel.show_points(options.VisibilityMode.NEVER).tooltip(common.VizTooltipOptions().mode(_MULTI))
    panel.legend(_legend())
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    for target in _targets(queries):
        panel.with_target(target)
    for name, colour in colours.items():
        panel.override_by_regexp(f"/^{_escaped(name)}(\\s|$)/", [_fixed(colour)])
    return panel


def number(
    title: str,
    text: str,
    unit: str,
    expr: str,
    *,
    bad_from: float | None = None,
    good_from: float | None = None,
    grey: bool = False,
    none: str = "0",
    decimals: int | None = None,
    span: int = 4,
) -> stat.Panel:
    """One number and its course. Bad from some value on, or good from some value on; else it is a plain number.

    ``grey``: that there is none is neither good nor bad.
    """
    panel = stat.Panel().title(title).description(text).unit(unit).span(span).height(4).datasource(SOURCE)
    panel.no_value(none).color_mode(options.BigValueColorMode.VALUE).graph_mode(options.BigValueGraphMode.AREA)
    panel.reduce_options(_last()).with_target(_targets((Query(expr, title),))[0]).min(0)
    if bad_from is not None:
        panel.thresholds(_steps(GOOD, (bad_from, BAD)))
    elif good_from is not None:
        panel.thresholds(_steps(GREY, (-1e12, BAD), (good_from, GOOD)) if grey else _steps(BAD, (good_from, GOOD)))
    else:
        panel.thresholds(_steps(PLAIN))
    return panel if decimals is None else panel.decimals(decimals)


def states(
    title: str, text: str, query: Query, meaning: Mapping[int, tuple[str, str]], *, span: int = 4, height: int = 4
) -> stat.Panel:
    """One word for each series. ``meaning``: value -> word and colour."""
    panel = stat.Panel().title(title).description(text).unit("short").span(span).height(height).datasource(SOURCE)
    panel.no_value("unknown").color_mode(options.BigValueColorMode.BACKGROUND_SOLID)
    panel.graph_mode(options.BigValueGraphMode.NONE).reduce_options(_last()).mappings([_words(meaning)])
    return panel.thresholds(_steps(GREY)).with_target(_targets((query,))[0])


def timeline(
    title: str, text: str, query: Query, meaning: Mapping[int, tuple[str, str]], *, span: int = 24, height: int = 5
) -> statetimeline.Panel:
    """One word for each series, over time."""
    panel = statetimeline.Panel().title(title).description(text).unit("short").span(span).height(height)
    panel.datasource(SOURCE).no_value("unknown").mappings([_words(meaning)]).thresholds(_steps(GREY))
    panel.show_value(options.VisibilityMode.AUTO).merge_values(True).legend(_legend())
    return panel.with_target(_targets((query,))[0])


def bars(
    title: str, text: str, unit: str, query: Query, *, colour: str = PLAIN, span: int = 12, height: int = 8
) -> bargauge.Panel:
    """A bar for each series, as it stands now."""
    panel = bargauge.Panel().title(title).description(text).unit(unit).span(span).height(height).datasource(SOURCE)
    panel.no_value("none").min(0).decimals(0).orientation(options.VizOrientation.HORIZONTAL).reduce_options(_last())
    panel.display_mode(options.BarGaugeDisplayMode.BASIC).thresholds(_steps(colour))
    return panel.with_target(_targets((query,), instant=True)[0])


def board(uid: str, title: str, text: str) -> dashboard.Dashboard:
    """An empty dashboard with what all of them have."""
    made = dashboard.Dashboard(title).uid(uid).description(text).tags([TAG]).readonly().timezone("browser")
    made.refresh("5s").time("now-15m", "now").tooltip(model.DashboardCursorSync.CROSSHAIR)
    made.timepicker(dashboard.TimePicker().refresh_intervals(["5s", "30s", "1m", "5m"]))
    made.with_variable(
        dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus").description("Where from.")
    )
    made.link(
        dashboard.DashboardLink("Ringfence").type(model.DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True)
        .include_vars(True).tooltip("The other dashboards")
    )  # fmt: skip
    for annotation in _annotations():
        made.annotation(annotation)
    return made


def filled(board: dashboard.Dashboard, *panels: cogbuilder.Builder[model.Panel]) -> model.Dashboard:
    """The dashboard with these panels, from left to right and from top to bottom, numbered in that order."""
    for panel in panels:
        board.with_panel(panel)
    made = board.build()
    for number_, panel_ in enumerate(made.panels or (), 1):
        panel_.id_val = number_
    for one in (*(made.links or ()), *(made.annotations.list_val or ())):
        one.placement = None  # at the top of the dashboard, and not in a menu
    for variable in made.templating.list_val or ():
        variable.auto = variable.auto_count = variable.auto_min = None  # they belong to intervals
    return made


# Name, colour, PromQL that has series while it holds, what is written there.
EVENTS = (
    ("Suspensions", VERMILLION, f"max(ringfence_suspended{{{GATES}}}) > 0", "Disclosure is suspended"),
    ("Bundle swaps", PURPLE, f"max(changes(ringfence_bundle{{{GATES}}}[15s])) > 0", "Another bundle is in force"),
    ("Restarts", GREY, "min by (job) (time() - process_start_time_seconds) < 15", "{{job}} has started"),
)


def _annotations() -> list[dashboard.AnnotationQuery]:
    return [
        dashboard.AnnotationQuery().name(name).datasource(SOURCE).enable(True).hide(False).icon_color(colour)
        .expr(expr).step("5s").title_format(text)
        for name, colour, expr, text in EVENTS
    ]  # fmt: skip


def _targets(queries: tuple[Query, ...], *, instant: bool = False) -> list[prometheus.Dataquery]:
    made = []
    for ref, query in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().ref_id(ref).expr(query.expr).legend_format(query.legend).datasource(SOURCE)
        made.append(target.instant() if instant else target.range())
    return made


_MULTI = options.TooltipDisplayMode.MULTI


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().show_legend(True).calcs([])
    return legend.display_mode(options.LegendDisplayMode.LIST).placement(options.LegendPlacement.BOTTOM)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _steps(first: str, *more: tuple[float, str]) -> dashboard.ThresholdsConfig:
    steps = [model.Threshold(value=None, color=first), *(model.Threshold(value=v, color=c) for v, c in more)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)


def _words(meaning: Mapping[int, tuple[str, str]]) -> model.ValueMap:
    results = {
        str(value): model.ValueMappingResult(text=word, color=colour, index=i)
        for i, (value, (word, colour)) in enumerate(meaning.items())
    }
    return model.ValueMap(options=results)


def _fixed(colour: str) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})


def _escaped(name: str) -> str:
    return name.replace(".", "\\.")
