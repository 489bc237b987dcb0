"""The Canadian Forest Fire Weather Index System: fire danger from each day's noon weather.

Equations of C. E. Van Wagner & T. L. Pickett, "Equations and FORTRAN program for the Canadian
Forest Fire Weather Index System", Forestry Technical Report 33 (1985); their numbers are given at
each. Structure and meaning: C. E. Van Wagner, "Development and structure of the Canadian Forest
Fire Weather Index System", Forestry Technical Report 35 (1987). Effective day lengths away from
Canada's latitudes: B. D. Lawson & O. B. Armitage, "Weather guide for the Canadian Forest Fire
Danger Rating System" (2008).

Units: degrees Celsius, relative humidity in percent, wind in km/h at 10 m in the open, rain in mm
over 24 h. The names in the equations are the reports' own where a letter is all there is.
"""

from dataclasses import dataclass
from math import exp, log, sqrt


@dataclass(frozen=True, slots=True)
class Weather:
    """A day's weather at noon, local standard time."""

    temperature_c: float
    humidity_pct: float
    wind_kmh: float
    rain_mm: float


@dataclass(frozen=True, slots=True)
class Moisture:
    """What a day hands to the next: moisture of fine fuel, of loose duff, of deep compact soil."""

    ffmc: float
    dmc: float
    dc: float


@dataclass(frozen=True, slots=True)
class Indices:
    """A day's moisture codes, and the spread, build-up and fire weather indices that follow."""

    ffmc: float
    dmc: float
    dc: float
    isi: float
    bui: float
    fwi: float

    @property
    def moisture(self) -> Moisture:
        return Moisture(self.ffmc, self.dmc, self.dc)


# The report's values for the first day of a season, three days after the snow has gone.
SEASON_START = Moisture(ffmc=85.0, dmc=6.0, dc=15.0)

# Effective day length in hours per month for the DMC, by the band's southern edge in degrees.
DMC_DAY_LENGTH = (
    (30, (6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0)),
    (10, (7.9, 8.4, 8.9, 9.5, 9.9, 10.2, 10.1, 9.7, 9.1, 8.6, 8.1, 7.8)),
    (-10, (9.0,) * 12),
    (-30, (10.1, 9.6, 9.1, 8.5, 8.1, 7.8, 7.9, 8.3, 8.9, 9.4, 9.9, 10.2)),
    (-91, (11.5, 10.5, 9.2, 7.9, 6.8, 6.2, 6.5, 7.4, 8.7, 10.0, 11.2, 11.8)),
)
# The same for the DC; the south has the north's values half a year later.
_DC_NORTH = (-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6)
DC_DAY_LENGTH = (
    (20, _DC_NORTH),
    (-20, (1.4,) * 12),
    (-91, _DC_NORTH[6:] + _DC_NORTH[:6]),
)


def daily_indices(before: Moisture, day: Weather, *, month: int, latitude: float) -> Indices:
    """One day's indices from the day before's moisture; `month` is 1..12."""
    ffmc = fine_fuel_moisture_code(before.ffmc, day)
    dmc = duff_moisture_code(before.dmc, day, _factor(DMC_DAY_LENGTH, latitude, month))
    dc = drought_code(before.dc, day, _factor(DC_DAY_LENGTH, latitude, month))
    isi = initial_spread_index(ffmc, day.wind_kmh)
    bui = buildup_index(dmc, dc)
    return Indices(ffmc, dmc, dc, isi, bui, fire_weather_index(isi, bui))


def _factor(bands: tuple[tuple[int, tuple[float, ...]], ...], latitude: float, month: int) -> float:
    return next(months for edge, months in bands if latitude > edge)[month - 1]


def fine_fuel_moisture_code(before: float, day: Weather) -> float:
    """FFMC, 0 (wet) to 101: equations 1 to 10."""
    moisture = _fine_fuel_moisture(before)
    if day.rain_mm > 0.5:
        moisture = _fine_fuel_after_rain(moisture, day.rain_mm - 0.5)
    moisture = _fine_fuel_after_drying(moisture, day)
    return max(0.0, min(101.0, 59.5 * (250.0 - moisture) / (147.2 + moisture)))


def _fine_fuel_moisture(ffmc: float) -> float:
    """Percent of dry weight: equation 1."""
    return 147.2 * (101.0 - ffmc) / (59.5 + ffmc)


def _fine_fuel_after_rain(moisture: float, rain: float) -> float:
    """Equations 3a and 3b, for the `rain` that got through the canopy (equation 2)."""
    wetted = moisture + 42.5 * rain * exp(-100.0 / (251.0 - moisture)) * (1.0 - exp(-6.93 / rain))
    if moisture > 150.0:
        wetted += 0.0015 * (moisture - 150.0) ** 2 * sqrt(rain)
    return min(wetted, 250.0)


def _fine_fuel_after_drying(moisture: float, day: Weather) -> float:
    """The day's drying or wetting towards equilibrium with the air: equations 4 to 9."""
    humidity = day.humidity_pct
    warmth = 0.18 * (21.1 - day.temperature_c) * (1.0 - exp(-0.115 * humidity))
    damp = exp((humidity - 100.0) / 10.0)
    dry_equilibrium: float = 0.942 * humidity**0.679 + 11.0 * damp + warmth
    wet_equilibrium: float = 0.618 * humidity**0.753 + 10.0 * damp + warmth
    if moisture > dry_equilibrium:
        target, share = dry_equilibrium, humidity / 100.0
    elif moisture < wet_equilibrium:
        target, share = wet_equilibrium, 1.0 - humidity / 100.0
    else:
        return moisture
    rate: float = 0.424 * (1.0 - share**1.7) + 0.0694 * sqrt(day.wind_kmh) * (1.0 - share**8)
    rate *= 0.581 * exp(0.0365 * day.temperature_c)
    remaining: float = 10.0**-rate
    return target + (moisture - target) * remaining


def duff_moisture_code(before: float, day: Weather, day_length: float) -> float:
    """DMC, from 0 up: equations 11 to 17."""
    code = before
    if day.rain_mm > 1.5:
        rain = 0.92 * day.rain_mm - 1.27
        moisture = 20.0 + exp(5.6348 - before / 43.43)
        moisture += 1000.0 * rain / (48.77 + _duff_rain_slope(before) * rain)
        code = max(0.0, 244.72 - 43.43 * log(moisture - 20.0))
    warmth = max(day.temperature_c, -1.1) + 1.1
    return code + 1.894e-4 * warmth * (100.0 - day.humidity_pct) * day_length


def _duff_rain_slope(dmc: float) -> float:
    """Equations 13a to 13c."""
    if dmc <= 33.0:
        return 100.0 / (0.5 + 0.3 * dmc)
    if dmc <= 65.0:
        return 14.0 - 1.3 * log(dmc)
    return 6.2 * log(dmc) - 17.2


def drought_code(before: float, day: Weather, day_length: float) -> float:
    """DC, from 0 up: equations 18 to 23."""
    code = before
    if day.rain_mm > 2.8:
        rain = 0.83 * day.rain_mm - 1.27
        stored = 800.0 * exp(-before / 400.0) + 3.937 * rain
        code = max(0.0, 400.0 * log(800.0 / stored))
    evaporation = 0.36 * (max(day.temperature_c, -2.8) + 2.8) + day_length
    return code + 0.5 * max(0.0, evaporation)


def initial_spread_index(ffmc: float, wind_kmh: float) -> float:
    """ISI: equations 24 to 26."""
    moisture = _fine_fuel_moisture(ffmc)
    fuel: float = 91.9 * exp(-0.1386 * moisture) * (1.0 + moisture**5.31 / 4.93e7)
    return 0.208 * exp(0.05039 * wind_kmh) * fuel


def buildup_index(dmc: float, dc: float) -> float:
    """BUI: equations 27a and 27b."""
    if dmc == 0.0:
        return 0.0
    if dmc <= 0.4 * dc:
        return 0.8 * dmc * dc / (dmc + 0.4 * dc)
    drought_share = 1.0 - 0.8 * dc / (dmc + 0.4 * dc)
    correction: float = 0.92 + (0.0114 * dmc) ** 1.7
    return max(0.0, dmc - drought_share * correction)


def fire_weather_index(isi: float, bui: float) -> float:
    """FWI: equations 28a to 30b."""
    if bui <= 80.0:
        duff: float = 0.626 * bui**0.809 + 2.0
    else:
        duff = 1000.0 / (25.0 + 108.64 * exp(-0.023 * bui))
    intensity = 0.1 * isi * duff
    return exp(2.72 * (0.434 * log(intensity)) ** 0.647) if intensity > 1.0 else intensity
