"""How many reads London makes at a moment, and what the sky looks like: pure functions of time.

Times are µs since 1970 UTC. The curve is in local time (GMT, or BST in summer).
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import cos, pi, radians, sin

from msgspec import Struct

from producers.chance import fraction

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
# 1 London: 21 million reads a day (V, forecast in MOPAC via MayorWatch), 243/s mean.
READS_A_DAY = 21_000_000
# Mean reads a day of a vehicle that is about (D).
READS_A_VEHICLE = 8
# Shares of the hours of a weekday, 0-23 (D from DfT TRA0307); they add up to 1.0002.
HOUR_SHARES = (
    0.0064, 0.0046, 0.0041, 0.0048, 0.0081, 0.0195, 0.0455, 0.0703, 0.0703, 0.0589, 0.0566, 0.0583,
    0.0595, 0.0608, 0.0641, 0.0700, 0.0784, 0.0774, 0.0610, 0.0421, 0.0299, 0.0222, 0.0166, 0.0108,
)  # fmt: skip
# Monday to Sunday (D); they add up to 7.01.
DAY_FACTORS = (1.02, 1.05, 1.06, 1.09, 1.12, 0.86, 0.81)
LATITUDE = 51.5
RAIN, GLARE = 0.15, 0.25  # GK: shares of hours
WEATHER_KEY = 0x5EA


class Light(StrEnum):
    """Natural light."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Weather(StrEnum):
    """What comes between the camera and the plate. Glare is a low sun."""

    CLEAR = "clear"
    RAIN = "rain"
    GLARE = "glare"


class Demand(Struct, frozen=True):
    """How much traffic: ``londons`` on London's curve, or always ``constant`` reads/s, where that is given."""

    londons: float
    constant: float | None = None

    def at(self, at: int) -> float:
        """Reads per second at a moment."""
        return self.londons * london_rate(at) if self.constant is None else self.constant

    @property
    def vehicles(self) -> int:
        """How many vehicles there are to draw from: 2,625,000 for 1 London.

        Three quarters of these, the 1,974,000 distinct vehicles a day (V FOI-3057-2324), are seen on any
        one day; the others stay at home.
        """
        return round(self.londons * READS_A_DAY / READS_A_VEHICLE)


def curve(londons: float) -> Demand:
    """Traffic that follows London's hour-of-week curve. ValueError unless it is more than 0."""
    if londons <= 0:
        raise ValueError("londons must be more than 0")
    return Demand(londons)


def constant(rate: float) -> Demand:
    """Traffic of a constant mean rate (reads/s), whatever the hour. ValueError unless it is more than 0."""
    if rate <= 0:
        raise ValueError("rate must be more than 0")
    return Demand(rate * DAY / SECOND / READS_A_DAY, rate)


def london_rate(at: int) -> float:
    """Reads per second of 1 London."""
    here = local(at)
    return READS_A_DAY * HOUR_SHARES[here.hour] * DAY_FACTORS[here.weekday()] / 3_600


def local(at: int) -> datetime:
    """London's wall-clock time, without a zone."""
    utc = datetime.fromtimestamp(at / SECOND, UTC).replace(tzinfo=None)
    summer = _last_sunday(utc.year, 3) <= utc < _last_sunday(utc.year, 10)
    return utc + timedelta(hours=1) if summer else utc


def _last_sunday(year: int, month: int) -> datetime:
    """01:00 UTC on the last Sunday of a month of 31 days: when the clocks change."""
    last = datetime(year, month, 31, 1)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def sun(at: int) -> float:
    """Sine of the sun's elevation over London, good to about a degree."""
    utc = datetime.fromtimestamp(at / SECOND, UTC)
    declination = radians(-23.44) * cos(2 * pi * (utc.timetuple().tm_yday + 10) / 365)
    hour = radians(15 * (utc.hour + utc.minute / 60 - 12))
    north = radians(LATITUDE)
    return sin(north) * sin(declination) + cos(north) * cos(declination) * cos(hour)


def light(at: int) -> Light:
    """Day from 4 degrees above the horizon, night from 6 below it (civil twilight), dusk between."""
    height = sun(at)
    if height > sin(radians(4)):
        return Light.DAY
    return Light.DUSK if height > sin(radians(-6)) else Light.NIGHT


def weather(seed: int, at: int) -> Weather:
    """The weather of the hour: the same all over London."""
    chance = fraction(seed, WEATHER_KEY, at // HOUR)
    if chance < RAIN:
        return Weather.RAIN
    low = sin(radians(4)) < sun(at) < sin(radians(25))
    return Weather.GLARE if low and chance > 1 - GLARE else Weather.CLEAR
