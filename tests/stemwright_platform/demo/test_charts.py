import re
from xml.etree import ElementTree

import numpy as np
import pytest

from stemwright_platform.demo.charts import HEIGHT, WIDTH, band_chart, loss_chart, running_mean


@pytest.mark.parametrize("losses", [[1.0], [0.5, 0.5], [3.0, 1.0, 0.9, 0.8], [1e-6] * 5, [0.0, 0.0]])
def test_any_curve_is_well_formed_and_within_its_picture(losses):
    chart = loss_chart(list(range(1, len(losses) + 1)), losses)
    ElementTree.fromstring(chart)
    points = [point.split(",") for line in re.findall(r'points="([^"]*)"', chart) for point in line.split()]
    assert points
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_one_wild_step_does_not_flatten_the_curve():
    losses = np.linspace(1, 0.5, 400)
    calm = loss_chart(range(400), losses.tolist())
    losses[7] = 1e4
    wild = loss_chart(range(400), losses.tolist())
    first = [re.findall(r'class="bold" points="([^"]*)"', chart)[0].split()[-1] for chart in (calm, wild)]
    assert first[0] == first[1]


def test_bars_hang_below_the_guess_where_the_model_is_better_and_stand_above_where_not():
    chart = band_chart([0, 0.5, 1], [0.8, 1.1])
    ElementTree.fromstring(chart)
    guess = float(re.findall(r'class="guess" [^>]*y1="([\d.]+)"', chart)[0])
    better, worse = [float(y) for y in re.findall(r'<rect [^>]*\by="([\d.]+)"', chart)]
    assert better == pytest.approx(guess, abs=0.2)
    assert worse < guess


def test_a_band_that_was_not_measured_stays_empty():
    chart = band_chart([0, 0.1, 0.5, 1], [0.8, None, 0.9])
    assert chart.count("<rect") == 2
    assert all(f">{edge}<" in chart for edge in ("0.1", "0.5"))


def test_the_running_mean_keeps_a_constant_and_follows_a_line():
    assert running_mean(np.full(50, 2.0), 7) == pytest.approx(np.full(50, 2.0))
    line = np.arange(50.0)
    assert running_mean(line, 7)[5:-5] == pytest.approx(line[5:-5])
