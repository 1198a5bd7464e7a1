"""The Vietnamese lunar calendar from the sky: new moons and the sun's longitude, UTC+7.

After Meeus, "Astronomical Algorithms" (new moons, low-precision longitude of the sun), and the rule
of the calendar: the month that holds the winter solstice is the eleventh; where thirteen months lie
between two of them, the first without a principal term of the sun repeats the number before it.
"""

from __future__ import annotations

from datetime import date, timedelta
from math import floor, radians, sin

ZONE = 7 / 24
EPOCH = date(2000, 1, 1)
EPOCH_JD = 2_451_545  # Julian day number of the epoch


def _sin(degrees: float) -> float:
    return sin(radians(degrees))


def new_moon(k: int) -> date:
    """The local day of a new moon, counted from January 1900."""
    t = k / 1236.85
    mean = 2415020.75933 + 29.53058868 * k + 0.0001178 * t * t
    mean += 0.00033 * _sin(166.56 + 132.87 * t)
    sun = 359.2242 + 29.10535608 * k
    moon = 306.0253 + 385.81691806 * k + 0.0107306 * t * t
    node = 21.2964 + 390.67050646 * k - 0.0016528 * t * t
    shift = (0.1734 - 0.000393 * t) * _sin(sun) + 0.0021 * _sin(2 * sun)
    shift += -0.4068 * _sin(moon) + 0.0161 * _sin(2 * moon) - 0.0004 * _sin(3 * moon)
    shift += 0.0104 * _sin(2 * node) - 0.0051 * _sin(sun + moon) - 0.0074 * _sin(sun - moon)
    shift += 0.0004 * _sin(2 * node + sun) - 0.0004 * _sin(2 * node - sun)
    shift += -0.0006 * _sin(2 * node + moon) + 0.0010 * _sin(2 * node - moon)
    shift += 0.0005 * _sin(2 * moon + sun)
    universal = mean + shift - (-0.000278 + 0.000265 * t + 0.000262 * t * t)
    return EPOCH + timedelta(days=floor(universal + 0.5 + ZONE) - EPOCH_JD)


def sun_longitude(day: date) -> float:
    """Where the sun stands at the local midnight that begins a day, in degrees."""
    t = ((day - EPOCH).days - 0.5 - ZONE) / 36525
    anomaly = 357.52910 + 35999.05030 * t
    longitude = 280.46645 + 36000.76983 * t + 1.9146 * _sin(anomaly)
    return (longitude + 0.019993 * _sin(2 * anomaly) + 0.00029 * _sin(3 * anomaly)) % 360


def _term(day: date) -> int:
    return int(sun_longitude(day) // 30)


def eleventh(year: int) -> int:
    """The new moon that begins the month of the winter solstice of a year."""
    k = round((date(year, 12, 31) - date(1900, 1, 1)).days / 29.530588853)
    while new_moon(k) > date(year, 12, 31):
        k -= 1
    while sun_longitude(new_moon(k)) >= 270 or sun_longitude(new_moon(k + 1)) < 270:
        k += -1 if sun_longitude(new_moon(k)) >= 270 else 1
    return k


def lunar(year: int, month: int, day: int) -> date:
    """A day of a lunar year (of a month that is not repeated) in the common calendar."""
    first, last = eleventh(year - 1), eleventh(year)
    number, leaps = 11, last - first == 13
    for k in range(first, last):
        if k > first:
            if leaps and _term(new_moon(k)) == _term(new_moon(k + 1)):
                leaps = False
            else:
                number = number % 12 + 1
        if number == month:
            return new_moon(k) + timedelta(days=day - 1)
    raise ValueError(f"{year} has no month {month}")
